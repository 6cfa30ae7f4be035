import Glibc

/// A thread for a blocking client. Swift's tasks and libdispatch share one small pool on Linux, so a client that waits
/// there for its server would keep the server from answering.
enum WireThread {
  private final class Work: Sendable {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  static func run(_ body: @escaping @Sendable () -> Void) {
    let work = Unmanaged.passRetained(Work(body))
    var thread = pthread_t()
    let status = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    guard status != 0 else {
      pthread_detach(thread)
      return
    }
    work.takeRetainedValue().body()
  }
}
