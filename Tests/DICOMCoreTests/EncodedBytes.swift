import DICOMCore

/// Writes data sets byte by byte, also such as no writer should.
struct EncodedBytes {
  var bytes: [UInt8] = []
  var isBigEndian = false

  init(isBigEndian: Bool = false) { self.isBigEndian = isBigEndian }

  mutating func word(_ value: Int, _ size: Int) {
    for place in 0..<size {
      bytes.append(UInt8(truncatingIfNeeded: value >> (8 * (isBigEndian ? size - 1 - place : place))))
    }
  }

  mutating func tag(_ tag: UInt32) {
    word(Int(tag >> 16), 2)
    word(Int(tag & 0xFFFF), 2)
  }

  /// An explicit data element with whatever length it is told to claim.
  mutating func explicit(_ tag: UInt32, _ vr: String, _ value: [UInt8] = [], claims length: Int? = nil) {
    self.tag(tag)
    bytes += Array(vr.utf8)
    if VR(vr)?.hasLongLength == true {
      bytes += [0, 0]
      word(length ?? value.count, 4)
    } else {
      word(length ?? value.count, 2)
    }
    bytes += value
  }

  mutating func explicit(_ tag: UInt32, _ vr: String, _ text: String) { explicit(tag, vr, Array(text.utf8)) }

  mutating func implicit(_ tag: UInt32, _ value: [UInt8] = [], claims length: Int? = nil) {
    self.tag(tag)
    word(length ?? value.count, 4)
    bytes += value
  }

  mutating func implicit(_ tag: UInt32, _ text: String) { implicit(tag, Array(text.utf8)) }

  static let undefined = 0xFFFF_FFFF

  /// A sequence of undefined or of the true length, with what `content` writes in it.
  mutating func sequence(
    _ tag: UInt32, vr: String? = "SQ", isUndefined: Bool = false, _ content: (inout EncodedBytes) -> Void
  ) {
    var inner = EncodedBytes(isBigEndian: isBigEndian)
    content(&inner)
    let length = isUndefined ? Self.undefined : inner.bytes.count
    if let vr { explicit(tag, vr, [], claims: length) } else { implicit(tag, [], claims: length) }
    bytes += inner.bytes
    if isUndefined { delimiter(0xFFFE_E0DD) }
  }

  mutating func item(isUndefined: Bool = false, _ content: (inout EncodedBytes) -> Void) {
    var inner = EncodedBytes(isBigEndian: isBigEndian)
    content(&inner)
    implicit(0xFFFE_E000, inner.bytes, claims: isUndefined ? Self.undefined : nil)
    if isUndefined { delimiter(0xFFFE_E00D) }
  }

  mutating func delimiter(_ tag: UInt32, length: Int = 0) {
    self.tag(tag)
    word(length, 4)
  }

  /// Preamble, prefix and a file meta information that says `transferSyntax`.
  static func file(_ transferSyntax: String, _ dataSet: [UInt8]) -> [UInt8] {
    var meta = EncodedBytes()
    meta.explicit(0x0002_0001, "OB", [0, 1])
    meta.explicit(0x0002_0002, "UI", "1.2.840.10008.5.1.4.1.1.7\0")
    meta.explicit(0x0002_0003, "UI", "1.2.3.4\0")
    meta.explicit(0x0002_0010, "UI", transferSyntax.utf8.count % 2 == 0 ? transferSyntax : transferSyntax + "\0")
    meta.explicit(0x0002_0012, "UI", "1.2.3\0")
    var length = EncodedBytes()
    length.explicit(0x0002_0000, "UL", [UInt8(meta.bytes.count), 0, 0, 0])
    return DICOMFile.prefix + length.bytes + meta.bytes + dataSet
  }
}

extension DataSet {
  /// Parses bytes in memory.
  init(
    _ bytes: [UInt8], _ encoding: TransferSyntax.Encoding = .explicitLittleEndian, limits: DICOMLimits = DICOMLimits()
  )
    throws(DICOMError)
  {
    try self.init(ByteSource(bytes), encoding: encoding, limits: limits)
  }

  var json: String { String(decoding: DICOMJSONWriter.json(self), as: UTF8.self) }
}

extension Tolerances {
  var kinds: [Tolerance.Kind] { list.map(\.kind) }
}
