/// An open-addressing hash table from (scope, bytes) to two small numbers. Built once; a look-up touches one or two
/// cache lines and compares the bytes, so a foreign key can never be taken for a known one.
///
/// Scopes: a type's id for its JSON member names, the same with `choiceBit` for its choices' bare names, `typeScope`
/// for type names, `bindingScope` for value sets' names, and a value set's number with `codeBit` for its codes.
struct KeyTable: Sendable {
  static let choiceBit: UInt16 = 0x4000
  static let codeBit: UInt16 = 0x8000
  static let typeScope: UInt16 = 0x3fff
  static let bindingScope: UInt16 = 0x3ffe
  /// Types' and value sets' numbers stay below this.
  static let numberMax = 0x3ffe

  struct Slot {
    var text: UnsafePointer<UInt8>?
    var length: UInt32 = 0
    var hash: UInt32 = 0
    var scope: UInt16 = 0
    var type: UInt16 = 0
    var element: Int32 = 0
  }

  // Written only by `insert`, before the schema is published, and never freed after: safe to share between threads.
  nonisolated(unsafe) private var slots: UnsafeMutablePointer<Slot>
  private var mask: Int
  private(set) var count = 0

  init(capacity: Int) {
    var size = 64
    while size < capacity &* 2 { size &*= 2 }
    slots = .allocate(capacity: size)
    slots.initialize(repeating: Slot(), count: size)
    mask = size - 1
  }

  /// False if the key is there already. `key` must never be freed.
  mutating func insert(_ key: FrozenText, scope: UInt16, type: UInt16, element: Int32) -> Bool {
    if count &* 2 > mask { grow() }
    let hash = Self.hash(key.start, key.count, scope)
    let (index, found) = position(of: key.start, count: key.count, scope: scope, hash: hash)
    guard !found else { return false }
    slots[index] = Slot(
      text: key.start, length: UInt32(key.count), hash: UInt32(truncatingIfNeeded: hash >> 32), scope: scope,
      type: type, element: element)
    count += 1
    return true
  }

  func find(_ key: UnsafeBufferPointer<UInt8>, scope: UInt16) -> (type: UInt16, element: Int32)? {
    guard let start = key.baseAddress else { return nil }
    let hash = Self.hash(start, key.count, scope)
    let (index, found) = position(of: start, count: key.count, scope: scope, hash: hash)
    return found ? (slots[index].type, slots[index].element) : nil
  }

  /// The key's slot, or the empty slot where it belongs.
  @inline(__always)
  private func position(
    of start: UnsafePointer<UInt8>, count: Int, scope: UInt16, hash: UInt64
  ) -> (index: Int, found: Bool) {
    var index = Int(truncatingIfNeeded: hash) & mask
    let check = UInt32(truncatingIfNeeded: hash >> 32)
    // The table is never more than half full, so an empty slot ends the search.
    while let text = slots[index].text {
      if slots[index].hash == check, slots[index].scope == scope, Int(slots[index].length) == count,
        bytesEqual(text, start, count)
      {
        return (index, true)
      }
      index = (index &+ 1) & mask
    }
    return (index, false)
  }

  private mutating func grow() {
    let (old, oldSize) = (slots, mask + 1)
    slots = .allocate(capacity: oldSize * 2)
    slots.initialize(repeating: Slot(), count: oldSize * 2)
    mask = oldSize * 2 - 1
    for slot in UnsafeBufferPointer(start: old, count: oldSize) {
      guard let text = slot.text else { continue }
      let hash = Self.hash(text, Int(slot.length), slot.scope)
      slots[position(of: text, count: Int(slot.length), scope: slot.scope, hash: hash).index] = slot
    }
    old.deallocate()
  }

  @inline(__always)
  private static func hash(_ start: UnsafePointer<UInt8>, _ count: Int, _ scope: UInt16) -> UInt64 {
    let bytes = UnsafeRawPointer(start)
    var state = mix(UInt64(scope) ^ 0x9e37_79b9_7f4a_7c15, UInt64(truncatingIfNeeded: count) ^ 0xe703_7ed1_a0b4_28db)
    var offset = 0
    while count &- offset >= 8 {
      state = mix(state ^ bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self), 0x8ebc_6af0_9c88_c6e3)
      offset &+= 8
    }
    guard offset < count else { return mix(state, 0x1d8e_4e27_c47d_124f) }
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
    return mix(mix(state ^ tail, 0x5899_65cc_7537_4cc3), 0x1d8e_4e27_c47d_124f)
  }

  /// The two halves of the product, folded.
  @inline(__always)
  private static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
    let product = a.multipliedFullWidth(by: b)
    return product.high ^ product.low
  }
}
