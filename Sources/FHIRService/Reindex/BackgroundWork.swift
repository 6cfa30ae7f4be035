import Synchronization

/// Something that goes on beside requests, in one task: it runs when it is woken, and when it asked for it.
package final class BackgroundWork: Sendable {
  private struct State {
    var task: Task<Void, Never>?
    var wake: AsyncStream<Void>.Continuation?
    var alarm: Task<Void, Never>?
  }

  private let state = Mutex(State())

  /// After a failure it is tried again after so long, then after twice that, up to the maximum.
  private static let pauseMin = Duration.milliseconds(200)
  private static let pauseMax = Duration.seconds(30)

  package init() {}

  /// Begins with a first run.
  /// - Parameter body: answers after how long to run again without being woken; nil for never. It should look for
  ///   cancellation often.
  package func start(_ body: @escaping @Sendable () async throws -> Duration?) {
    let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    state.withLock { state in
      guard state.task == nil else { return }
      state.wake = wake
      wake.yield()
      state.task = Task(priority: .utility) { await self.run(wakes, body) }
    }
  }

  /// Runs as soon as possible, once more if it runs at the moment.
  package func wake() { state.withLock { _ = $0.wake?.yield() } }

  /// Wakes after a while.
  func wake(after pause: Duration) {
    state.withLock { state in
      guard state.task != nil else { return }
      state.alarm?.cancel()
      state.alarm = Task {
        guard (try? await Task.sleep(for: pause)) != nil else { return }
        self.wake()
      }
    }
  }

  /// Ends it and waits until it has ended.
  package func stop() async {
    let task = state.withLock { state in
      let task = state.task
      state.wake?.finish()
      state.alarm?.cancel()
      state = State()
      return task
    }
    task?.cancel()
    await task?.value
  }

  private func run(_ wakes: AsyncStream<Void>, _ body: @Sendable () async throws -> Duration?) async {
    var pause = Self.pauseMin
    for await _ in wakes {
      if Task.isCancelled { return }
      do {
        if let again = try await body() { wake(after: again) }
        pause = Self.pauseMin
      } catch {
        if Task.isCancelled { return }
        // What cannot be done now, since the store is busy or its disk is full, can be done later.
        wake(after: pause)
        pause = min(pause * 2, Self.pauseMax)
      }
    }
  }
}
