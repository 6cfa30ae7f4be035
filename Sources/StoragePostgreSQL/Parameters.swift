import CPostgreSQL
import Storage

/// The types of the values the contract knows (pg_type.dat).
enum TypeID {
  static let bool: Oid = 16
  static let bytea: Oid = 17
  static let name: Oid = 19
  static let int8: Oid = 20
  static let int2: Oid = 21
  static let int4: Oid = 23
  static let text: Oid = 25
  static let oid: Oid = 26
  static let float4: Oid = 700
  static let float8: Oid = 701
  static let numeric: Oid = 1700

  /// The type a value is sent as; 0, by which the server infers it, for null.
  static func of(_ value: SQLValue) -> Oid {
    switch value {
    case .null: 0
    case .integer: int8
    case .real: float8
    case .text: text
    case .blob: bytea
    }
  }
}

/// The parameters of one execution in the binary format, in room that is used again for the next.
struct Parameters {
  private var bytes: [UInt8] = [0]
  private var offsets: [Int] = []
  private var pointers: [UnsafePointer<CChar>?] = []
  private var lengths: [Int32] = []
  private var formats: [Int32] = []
  /// The protocol's lengths have 32 bits, and a field of the server's at most 1 GB.
  static let valueBytesMax = 1 << 30

  mutating func set(_ values: [SQLValue], from first: Int, count: Int) throws(StorageError) {
    // Never empty, so that an empty value has an address: no address would mean null.
    bytes.removeAll(keepingCapacity: true)
    bytes.append(0)
    offsets.removeAll(keepingCapacity: true)
    lengths.removeAll(keepingCapacity: true)
    for index in first..<first + count { try append(values[index]) }
    while formats.count < count { formats.append(1) }
  }

  /// Throws `.tooLarge` for what could not be sent.
  static func check(_ values: [SQLValue]) throws(StorageError) {
    for value in values {
      let count =
        switch value {
        // U+0000 becomes three bytes.
        case .text(let text) where text.utf8.count > valueBytesMax / 3: Parameters.text(text).utf8.count
        case .blob(let blob): blob.count
        default: 0
        }
      guard count >= valueBytesMax else { continue }
      throw StorageError(.tooLarge, detail: "a value has more than \(valueBytesMax) bytes")
    }
  }

  private mutating func append(_ value: SQLValue) throws(StorageError) {
    let start = bytes.count
    switch value {
    case .null:
      offsets.append(-1)
      lengths.append(0)
      return
    case .integer(let integer): append(bigEndian: UInt64(bitPattern: integer))
    case .real(let real): append(bigEndian: real.bitPattern)
    case .text(let text): bytes.append(contentsOf: Parameters.text(text).utf8)
    case .blob(let blob): bytes.append(contentsOf: blob)
    }
    guard bytes.count - start < Parameters.valueBytesMax else {
      throw StorageError(.tooLarge, detail: "a value has more than \(Parameters.valueBytesMax) bytes")
    }
    offsets.append(start)
    lengths.append(Int32(bytes.count - start))
  }

  /// A text as it is sent: PostgreSQL keeps no U+0000 (8.3). U+FFFD stands for it, in what is stored as in what is
  /// searched.
  static func text(_ text: String) -> String {
    let isWhole = text.utf8.withContiguousStorageIfAvailable { !$0.contains(0) } ?? !text.utf8.contains(0)
    if isWhole { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value == 0 ? "\u{FFFD}" : $0 }))
  }

  private mutating func append(bigEndian word: UInt64) {
    withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
  }

  /// Hands over what libpq takes; it copies.
  mutating func send(_ handle: OpaquePointer, _ name: String) -> Bool {
    pointers.removeAll(keepingCapacity: true)
    return bytes.withUnsafeBytes { buffer in
      guard let base = buffer.baseAddress else { return false }
      for offset in offsets {
        pointers.append(offset < 0 ? nil : (base + offset).assumingMemoryBound(to: CChar.self))
      }
      return PQsendQueryPrepared(handle, name, Int32(offsets.count), pointers, lengths, formats, 1) == 1
    }
  }
}
