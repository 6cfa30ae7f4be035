import Base
import DICOMCore
import DICOMStore
import DICOMweb

/// The instances of a target in the order in which they were stored, page by page: of any number of them one page is in
/// memory. For one task at a time.
struct InstancePages: Sendable {
  private let store: DICOMStore
  private let target: Target
  private let partition: String
  private let pageMax: Int
  /// Those stored later are not given.
  private let newest: Int64
  /// The last instance that was given.
  private(set) var last: Int64
  private(set) var isAtEnd = false

  init(
    _ store: DICOMStore, _ target: Target, _ partition: String, pageMax: Int, after last: Int64 = 0,
    newest: Int64 = .max
  ) {
    self.store = store
    self.target = target
    self.partition = partition
    self.pageMax = max(1, pageMax)
    self.newest = newest
    self.last = last
  }

  /// The next page; empty after the last.
  mutating func next() async throws(Fault) -> [StoredInstance] {
    if isAtEnd { return [] }
    let (store, target, partition, last, pageMax) = (store, target, partition, last, pageMax)
    let found = try await Retrieve.asking {
      try await store.instances(target, partition: partition, after: last, limit: pageMax)
    }
    isAtEnd = found.count < pageMax || target.level == .instance
    self.last = found.last?.watermark ?? last
    return found.last.map { $0.watermark <= newest } ?? true ? found : found.filter { $0.watermark <= newest }
  }
}

/// What has to be known of a target's instances before an answer with them begins.
struct InstanceSurvey: Sendable {
  /// What decides in which forms an instance can be given.
  struct Kind: Hashable, Sendable {
    let transferSyntaxUID: UID
    let hasFrames: Bool

    init(_ instance: StoredInstance) {
      transferSyntaxUID = instance.transferSyntaxUID
      hasFrames = instance.frameCount > 0
    }
  }

  private(set) var count = 0
  /// Of each kind the bytes of its files.
  private(set) var bytes: [Kind: Int] = [:]
  /// The first page, and whether there is no other.
  private(set) var first: [StoredInstance] = []
  private(set) var isWhole = true
  /// Where the first page ends.
  private(set) var firstEnd: Int64 = 0
  /// The newest instance.
  private(set) var last: Int64 = 0

  var kinds: some Collection<Kind> { bytes.keys }

  /// Reads all pages.
  init(_ pages: InstancePages, where isWanted: (StoredInstance) -> Bool = { _ in true }) async throws(Fault) {
    var pages = pages
    var isFirst = true
    while !pages.isAtEnd {
      let page = try await pages.next().filter(isWanted)
      if isFirst {
        first = page
        firstEnd = pages.last
      } else {
        isWhole = isWhole && page.isEmpty
      }
      isFirst = false
      count += page.count
      for instance in page { bytes[Kind(instance), default: 0] += instance.count }
      last = page.last?.watermark ?? last
    }
  }
}

/// The instances of an answer, asked for a few at a time by one after the other.
actor InstanceQueue {
  private var ready: ArraySlice<StoredInstance>
  private var pages: InstancePages?

  /// - Parameter pages: what follows behind those that are there.
  init(_ ready: [StoredInstance], then pages: InstancePages? = nil) {
    self.ready = ready[...]
    self.pages = pages
  }

  /// At most so many; none after the last.
  func next(_ most: Int) async throws(Fault) -> [StoredInstance] {
    while ready.isEmpty, var next = pages {
      ready = try await next.next()[...]
      pages = next.isAtEnd ? nil : next
    }
    defer { ready = ready.dropFirst(most) }
    return Array(ready.prefix(most))
  }
}
