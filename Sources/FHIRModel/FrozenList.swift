/// Values in memory that is never freed: what a `Schema` hands out without counting references.
///
/// A schema is built once per process and release and then read by every request on every thread; a reference count
/// on its lists would be the hottest shared word of the program. So its lists live in memory that is written once,
/// before the schema is published, and stays until the process ends.
public struct FrozenList<Value: Sendable>: RandomAccessCollection, Sendable {
  // Never written after the schema is built and never freed, so sharing it between threads is safe.
  nonisolated(unsafe) let storage: UnsafeBufferPointer<Value>

  init(_ storage: UnsafeBufferPointer<Value>) {
    self.storage = storage
  }

  /// Copies the values to memory that is never freed.
  init(freezing values: [Value]) {
    let copy = UnsafeMutableBufferPointer<Value>.allocate(capacity: values.count)
    _ = copy.initialize(from: values)
    storage = UnsafeBufferPointer(copy)
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { storage.count }

  public subscript(index: Int) -> Value {
    precondition(index >= 0 && index < storage.count, "index outside the list")
    return storage[index]
  }

  /// The values from `range` of this list.
  func sub(_ range: Range<Int>) -> FrozenList {
    FrozenList(UnsafeBufferPointer(rebasing: storage[range]))
  }
}

/// UTF-8 text in memory that is never freed, such as an element's name.
public struct FrozenText: Sendable, Equatable, CustomStringConvertible {
  // Never written after the schema is built and never freed, so sharing it between threads is safe.
  nonisolated(unsafe) let start: UnsafePointer<UInt8>
  public let count: Int

  init(start: UnsafePointer<UInt8>, count: Int) {
    self.start = start
    self.count = count
  }

  /// The bytes, valid for ever.
  public var utf8: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }

  public var string: String { String(decoding: utf8, as: UTF8.self) }

  public var description: String { string }

  public static func == (a: FrozenText, b: FrozenText) -> Bool {
    a.count == b.count && bytesEqual(a.start, b.start, a.count)
  }
}

/// A list that grows and then stays where it is.
struct FrozenBuilder<Value: Sendable> {
  private var storage: UnsafeMutablePointer<Value>
  private var capacity: Int
  private(set) var count = 0

  init(capacity: Int) {
    self.capacity = Swift.max(capacity, 1)
    storage = .allocate(capacity: self.capacity)
  }

  mutating func append(_ value: Value) {
    if count == capacity {
      let larger = UnsafeMutablePointer<Value>.allocate(capacity: capacity * 2)
      larger.moveInitialize(from: storage, count: count)
      storage.deallocate()
      (storage, capacity) = (larger, capacity * 2)
    }
    (storage + count).initialize(to: value)
    count += 1
  }

  subscript(index: Int) -> Value {
    precondition(index >= 0 && index < count, "index outside the list")
    return storage[index]
  }

  /// What was appended. The builder must not be used after.
  var list: FrozenList<Value> { FrozenList(UnsafeBufferPointer(start: storage, count: count)) }
}

/// Hands out pieces of memory that is never freed, cut from large blocks.
struct FrozenArena {
  private var free = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// Room for `count` values, not initialised.
  private mutating func allocate<Value>(_ type: Value.Type, count: Int) -> UnsafeMutablePointer<Value> {
    let size = (count * MemoryLayout<Value>.stride + 15) & ~15
    if free.count < size {
      free = .allocate(byteCount: Swift.max(size, 256 * 1024), alignment: 16)
    }
    guard let start = free.baseAddress else { preconditionFailure("memory was just allocated") }
    free = UnsafeMutableRawBufferPointer(rebasing: free[size...])
    return start.bindMemory(to: type, capacity: count)
  }

  mutating func freeze<Value: Sendable>(_ values: [Value]) -> FrozenList<Value> {
    guard !values.isEmpty else { return FrozenList(UnsafeBufferPointer(start: nil, count: 0)) }
    let start = allocate(Value.self, count: values.count)
    values.withUnsafeBufferPointer { source in
      if let from = source.baseAddress { start.initialize(from: from, count: source.count) }
    }
    return FrozenList(UnsafeBufferPointer(start: start, count: values.count))
  }

  mutating func freeze(text: [UInt8]) -> FrozenText {
    let start = allocate(UInt8.self, count: Swift.max(text.count, 1))
    text.withUnsafeBufferPointer { source in
      if let from = source.baseAddress { start.initialize(from: from, count: source.count) }
    }
    return FrozenText(start: start, count: text.count)
  }
}

/// Whether two runs of `count` bytes are equal.
@inline(__always)
func bytesEqual(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ count: Int) -> Bool {
  let a = UnsafeRawPointer(a)
  let b = UnsafeRawPointer(b)
  var offset = 0
  while offset &+ 8 <= count {
    if a.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      != b.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    {
      return false
    }
    offset &+= 8
  }
  while offset < count {
    if a.load(fromByteOffset: offset, as: UInt8.self) != b.load(fromByteOffset: offset, as: UInt8.self) { return false }
    offset &+= 1
  }
  return true
}
