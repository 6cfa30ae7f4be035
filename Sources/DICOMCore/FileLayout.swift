/// Where in a file the parts of PS3.10 §7 are, found by looking.
struct FileLayout {
  /// Where the file meta information begins, or the data set if there is none.
  var start: Int
  var hasPreamble: Bool
  var hasPrefix: Bool

  /// The preamble, and the prefix behind it.
  static let preambleCount = 128
  private static let prefix: [UInt8] = Array("DICM".utf8)

  /// Bytes that must be there to tell, if the file has so many.
  static let headCount = preambleCount + 4 + 12

  init(_ bytes: UnsafeRawBufferPointer) {
    func hasPrefix(_ offset: Int) -> Bool { bytes.dropFirst(offset).starts(with: Self.prefix) }
    if hasPrefix(Self.preambleCount) {
      // The four letters may also be part of a value, in a file that has no preamble.
      let isData = Encoding.guess(bytes, at: 0) != nil && Encoding.guess(bytes, at: Self.preambleCount + 4) == nil
      self.init(start: isData ? 0 : Self.preambleCount + 4, hasPreamble: !isData, hasPrefix: !isData)
    } else if hasPrefix(0) {
      self.init(start: 4, hasPreamble: false, hasPrefix: true)
    } else {
      let isZero = bytes.count > Self.preambleCount && bytes.prefix(Self.preambleCount).allSatisfy { $0 == 0 }
      self.init(start: isZero ? Self.preambleCount : 0, hasPreamble: isZero, hasPrefix: false)
    }
  }

  private init(start: Int, hasPreamble: Bool, hasPrefix: Bool) {
    self.start = start
    self.hasPreamble = hasPreamble
    self.hasPrefix = hasPrefix
  }

  /// Tells encodings by the first data element.
  enum Encoding {
    /// The encoding that the bytes at `offset` look like, nil if they look like no data element.
    static func guess(_ bytes: UnsafeRawBufferPointer, at offset: Int) -> TransferSyntax.Encoding? {
      guard offset >= 0, bytes.count - offset >= 8 else { return nil }
      func half(_ place: Int) -> UInt16 {
        UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + place, as: UInt16.self))
      }
      let little = Tag(half(0), half(2))
      let big = Tag(half(0).byteSwapped, half(2).byteSwapped)
      // Data sets begin with low groups: 0008 in the wrong order is 0800.
      let isBigEndian = big.group < little.group
      let tag = isBigEndian ? big : little
      let known = DataDictionary.standard.vr(tag)
      let isPlausible = known != .none || tag.isPrivate && tag.group > 8 || tag.isGroupLength
      guard isPlausible, tag.group > 0, tag.group != 0xFFFE else { return nil }
      if VR(bytes[offset + 4], bytes[offset + 5]) != nil {
        return isBigEndian ? .explicitBigEndian : .explicitLittleEndian
      }
      let raw = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
      let length = isBigEndian ? UInt32(bigEndian: raw) : UInt32(littleEndian: raw)
      // The first element of a data set is short, or a sequence.
      guard length < 0x10000 || length == DataSetParser.undefined && known == .one(.SQ) else { return nil }
      return isBigEndian ? .implicitBigEndian : .implicitLittleEndian
    }

    /// The encoding to read a data set by.
    /// - Parameter declared: what the file meta information says, if it does.
    static func choose(
      _ bytes: UnsafeRawBufferPointer, at offset: Int, declared: TransferSyntax?, isPart10: Bool,
      _ tolerances: inout Tolerances
    ) throws(DICOMError) -> TransferSyntax.Encoding {
      guard let declared else {
        guard let guess = guess(bytes, at: offset) else {
          if isPart10 { return .explicitLittleEndian }
          throw DICOMError(.notDICOM, at: offset)
        }
        return guess
      }
      let guess = guess(bytes, at: offset)
      if declared.encoding.isDeflated {
        // A data set that is not deflated after all would hardly look like one by accident.
        guard guess == .explicitLittleEndian, bytes.count - offset >= 8, bytes[offset + 1] == 0 else {
          return declared.encoding
        }
      } else if guess == nil || guess == declared.encoding {
        return declared.encoding
      }
      tolerances.note(.wrongTransferSyntax, tag: .transferSyntaxUID, at: offset)
      return guess ?? declared.encoding
    }
  }
}
