import Base
public import DeviceService
import DeviceStore
import JSONCore
import Synchronization

/// Takes messages of a Kafka topic over into the log of a device service.
///
/// How far each partition was taken over is written in one transaction with the messages, and where a partition is
/// assigned anew, it is read from there: whatever ends, the consumer, the broker or the process, every message is taken
/// over once. The group's own offsets follow, for whoever watches them.
///
/// A thread of its own waits for messages: librdkafka's calls block.
public final class KafkaSource: Sendable {
  private static let batchMessages = 2_000
  private static let batchWait = Duration.milliseconds(50)
  private static let pollMilliseconds: Int32 = 100
  private static let pauseAfterFault = Duration.milliseconds(500)
  private static let stackBytes = 1 << 20

  let configuration: KafkaConfiguration
  let service: DeviceService
  private let client: KafkaClient
  private let isStopping = Atomic<Bool>(false)
  private let isEnded = Monitor<Bool>(true)
  private let taken = Atomic<Int>(0)

  /// - Throws: for settings that librdkafka does not take.
  public init(_ configuration: KafkaConfiguration, for service: DeviceService) throws(KafkaError) {
    self.configuration = configuration
    self.service = service
    client = try KafkaClient(configuration)
  }

  /// Messages taken over since the start.
  public var messages: Int { taken.load(ordering: .relaxed) }

  /// Begins to take messages over.
  public func start() throws(KafkaError) {
    try client.subscribe(configuration.topic)
    isEnded.withLock { $0 = false }
    let started = WorkerThread.start(stackBytes: Self.stackBytes) { self.run() }
    guard started else {
      isEnded.withLock { $0 = true }
      throw KafkaError(description: "the system has no thread to give")
    }
  }

  /// Ends it; returns when the batch under way is durable and the group is left.
  public func stop() async {
    isStopping.store(true, ordering: .relaxed)
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
      let started = WorkerThread.start(stackBytes: Self.stackBytes) {
        self.isEnded.wait { $0 ? () : nil }
        continuation.resume()
      }
      if !started { continuation.resume() }
    }
  }

  // MARK: The thread

  private func run() {
    while !isStopping.load(ordering: .relaxed) {
      var batch = KafkaBatch()
      let end = ContinuousClock.now + Self.batchWait
      while batch.messages.count < Self.batchMessages {
        switch client.poll(milliseconds: batch.messages.isEmpty ? Self.pollMilliseconds : 5) {
        case .message(let message): batch.add(message)
        case .assigned(let partitions): assign(partitions)
        case .nothing: break
        }
        if batch.messages.isEmpty || ContinuousClock.now >= end { break }
      }
      if !batch.messages.isEmpty { takeOver(batch) }
    }
    client.close()
    isEnded.withLock { $0 = true }
    isEnded.broadcast()
  }

  /// Begins each partition where the log ends.
  private func assign(_ partitions: [KafkaPartition]) {
    while !isStopping.load(ordering: .relaxed) {
      let service = service
      if let offsets = try? wait({ try await service.store.offsets() }) {
        return client.assign(partitions, from: partitions.map { offsets[$0.source] })
      }
      pause()
    }
  }

  private func takeOver(_ batch: KafkaBatch) {
    let service = service
    while true {
      do {
        _ = try wait { try await service.accept(batch.messages, offsets: batch.offsets) }
        taken.wrappingAdd(batch.messages.count, ordering: .relaxed)
        return client.commit(batch.offsets)
      } catch let fault as Fault where fault.category == .conflict {
        // Another process had these partitions in the meantime. What it did not take is read again.
        return resume(batch)
      } catch {
        // The log takes nothing now; the messages are at the broker still, should the process end.
        if isStopping.load(ordering: .relaxed) { return }
        pause()
      }
    }
  }

  private func resume(_ batch: KafkaBatch) {
    let service = service
    guard let offsets = try? wait({ try await service.store.offsets() }) else { return }
    for partition in batch.partitions { client.seek(partition, to: offsets[partition.source] ?? 0) }
  }

  private func pause() {
    let gate = Monitor<Bool>(false)
    Task {
      try? await Task.sleep(for: Self.pauseAfterFault)
      gate.withLock { $0 = true }
      gate.signal()
    }
    gate.wait { $0 ? () : nil }
  }

  /// Waits on this thread for work that is done elsewhere.
  private func wait<R: Sendable>(_ body: @escaping @Sendable () async throws -> R) throws -> R {
    let outcome = Monitor<Result<R, any Error>?>(nil)
    Task {
      let result: Result<R, any Error>
      do { result = .success(try await body()) } catch { result = .failure(error) }
      outcome.withLock { $0 = result }
      outcome.signal()
    }
    return try outcome.wait { $0 }.get()
  }
}

/// One partition of a topic.
struct KafkaPartition: Hashable, Sendable {
  let topic: String
  let number: Int32

  /// Its name in the log.
  var source: String { "kafka/\(topic)/\(number)" }
}

/// Messages that go into the log together.
struct KafkaBatch: Sendable {
  private(set) var messages: [MessageContent] = []
  private(set) var offsets: [String: Range<Int64>] = [:]
  private(set) var partitions: Set<KafkaPartition> = []

  mutating func add(_ message: KafkaMessage) {
    messages.append(message.content)
    partitions.insert(message.partition)
    let source = message.partition.source
    let first = offsets[source]?.lowerBound ?? message.offset
    offsets[source] = first..<max(message.offset + 1, first)
  }
}
