/// An open-addressing hash table from (scope, bytes) to two small numbers. Built once; look-ups touch one or two cache
/// lines and compare the bytes, so a foreign key can never be taken for a known one.
///
/// Scopes: a type's id for its JSON member names, the same with `choiceBit` for its choices' bare names, `typeScope` for
/// type names, `bindingScope` for value set names, and from `codeScope` on downwards one per value set for its codes.
struct KeyTable: Sendable {
  static let choiceBit: UInt16 = 0x4000
  static let codeBit: UInt16 = 0x8000
  static let typeScope: UInt16 = 0x3fff
  static let bindingScope: UInt16 = 0x3ffe
  /// Types and value sets must stay below this.
  static let scopeMax = 0x3ffe

  struct Slot {
    var text: UnsafePointer<UInt8>?
    var length: UInt32 = 0
    var hash: UInt32 = 0
    var scope: UInt16 = 0
    var type: UInt16 = 0
    var element: Int32 = 0
  }

  // Written only by `insert` before the schema is published, never freed: safe to share between threads.
  nonisolated(unsafe) private let slots: UnsafeMutablePointer<Slot>
  private let mask: Int
  private(set) var count = 0

  /// For up to `capacity` keys.
  init(capacity: Int) {
    var size = 64
    while size < capacity &* 2 { size &*= 2 }
    slots = .allocate(capacity: size)
    slots.initialize(repeating: Slot(), count: size)
    mask = size - 1
  }

  /// False if the key is there already or the table is full. `key` must never be freed.
  mutating func insert(_ key: FrozenText, scope: UInt16, type: UInt16, element: Int32) -> Bool {
    guard count &* 2 <= mask else { return false }
    let hash = Self.hash(key.start, key.count, scope)
    var index = Int(truncatingIfNeeded: hash) & mask
    let check = UInt32(truncatingIfNeeded: hash >> 32)
    while let text = slots[index].text {
      if slots[index].hash == check, slots[index].scope == scope, Int(slots[index].length) == key.count,
        bytesEqual(text, key.start, key.count)
      {
        return false
      }
      index = (index &+ 1) & mask
    }
    slots[index] = Slot(
      text: key.start, length: UInt32(key.count), hash: check, scope: scope, type: type, element: element)
    count += 1
    return true
  }

  func find(_ key: UnsafeBufferPointer<UInt8>, scope: UInt16) -> (type: UInt16, element: Int32)? {
    guard let start = key.baseAddress else { return nil }
    let hash = Self.hash(start, key.count, scope)
    var index = Int(truncatingIfNeeded: hash) & mask
    let check = UInt32(truncatingIfNeeded: hash >> 32)
    // The table is never more than half full, so an empty slot ends the search.
    while let text = slots[index].text {
      if slots[index].hash == check, slots[index].scope == scope, Int(slots[index].length) == key.count,
        bytesEqual(text, start, key.count)
      {
        return (slots[index].type, slots[index].element)
      }
      index = (index &+ 1) & mask
    }
    return nil
  }

  @inline(__always)
  private static func hash(_ start: UnsafePointer<UInt8>, _ count: Int, _ scope: UInt16) -> UInt64 {
    let bytes = UnsafeRawPointer(start)
    var state = mix(UInt64(scope) &+ 0x9e37_79b9_7f4a_7c15, UInt64(truncatingIfNeeded: count) ^ 0xe703_7ed1_a0b4_28db)
    var offset = 0
    while count &- offset >= 8 {
      state = mix(state ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self), 0x8ebc_6af0_9c88_c6e3)
      offset &+= 8
    }
    if offset < count {
      var tail: UInt64 = 0
      if count >= 8 {
        // The last eight bytes, some of them seen before.
        tail = bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
      } else if count >= 4 {
        tail = UInt64(bytes.loadUnaligned(as: UInt32.self)) << 32
        tail |= UInt64(bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self))
      } else {
        while offset < count {
          tail = tail << 8 | UInt64(bytes.load(fromByteOffset: offset, as: UInt8.self))
          offset &+= 1
        }
      }
      state = mix(state ^ tail, 0x5899_65cc_7537_4cc3)
    }
    return mix(state, 0x1d8e_4e27_c47d_124f)
  }

  @inline(__always)
  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}
