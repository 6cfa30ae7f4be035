internal import DICOMCore

/// A lookup table of a data set (PS3.3 C.11.1.1 and C.11.2.1.1): what a stored value stands for.
struct LookupTable {
  let firstMapped: Int
  let bits: Int
  let entries: [UInt16]

  /// Nil if descriptor or data is missing or makes no sense.
  init?(descriptor: DataElement?, data: DataElement?, isSigned: Bool) {
    guard let descriptor, let data, let numbers = Self.descriptor(descriptor, isSigned: isSigned) else { return nil }
    firstMapped = numbers.first
    bits = numbers.bits
    let words = Self.words(data, count: numbers.count, bits: bits)
    guard !words.isEmpty else { return nil }
    entries = words
  }

  init(firstMapped: Int, bits: Int, entries: [UInt16]) {
    self.firstMapped = firstMapped
    self.bits = bits
    self.entries = entries
  }

  /// Values below the first have its entry, those above the last the last's.
  @inline(__always)
  subscript(value: Int) -> Int {
    Int(entries[min(max(0, value.subtractingReportingOverflow(firstMapped).partialValue), entries.count - 1)])
  }

  var most: Int { (1 << bits) - 1 }

  /// Number of entries (0 means 65536), first value mapped (signed if the pixels are), bits of an entry.
  static func descriptor(_ element: DataElement, isSigned: Bool) -> (count: Int, first: Int, bits: Int)? {
    let numbers = element.integers
    guard numbers.count >= 3 else { return nil }
    let count = numbers[0] & 0xFFFF
    let first = isSigned ? Int(Int16(truncatingIfNeeded: numbers[1])) : numbers[1] & 0xFFFF
    return (count == 0 ? 65_536 : count, first, (1...16).contains(numbers[2]) ? numbers[2] : 16)
  }

  /// The entries: words of 16 bits, or bytes where there are no more of those (PS3.3 C.7.6.3.1.6).
  private static func words(_ data: DataElement, count: Int, bits: Int) -> [UInt16] {
    let bytes = data.value
    if bytes.count < 2 * count, bytes.count >= count, bits <= 8 {
      // Two entries of 8 bits in a word, the first in its lower half.
      let swapped = data.isBigEndian && data.vr != .OB
      return (0..<count).map { UInt16(bytes[swapped && ($0 ^ 1) < bytes.count ? $0 ^ 1 : $0]) }
    }
    return (0..<min(count, bytes.count / 2)).map { place in
      let (first, second) = (UInt16(bytes[2 * place]), UInt16(bytes[2 * place + 1]))
      return data.isBigEndian ? first << 8 | second : second << 8 | first
    }
  }
}
