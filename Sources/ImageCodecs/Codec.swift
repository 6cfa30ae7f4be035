public import DICOMCore

/// How frames are coded.
public enum Codec: Sendable, Equatable, CaseIterable {
  case native, rle, deflatedFrame, jpeg, jpegLS, jpeg2000

  /// The codec of a transfer syntax; nil if there is none for it here.
  public init?(_ transferSyntax: TransferSyntax) {
    guard transferSyntax.isEncapsulated else {
      // JPIP: the pixel data is elsewhere (PS3.5 A.6, A.7).
      let isReferenced = ["94", "95", "204", "205"].contains { transferSyntax.uid.value == "1.2.840.10008.1.2.4.\($0)" }
      if isReferenced { return nil }
      self = .native
      return
    }
    switch transferSyntax.uid.value {
    case "1.2.840.10008.1.2.5": self = .rle
    case "1.2.840.10008.1.2.8.1": self = .deflatedFrame
    case "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81": self = .jpegLS
    case "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.93",
      "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202", "1.2.840.10008.1.2.4.203":
      self = .jpeg2000
    case let uid where (50...70).contains { uid == "1.2.840.10008.1.2.4.\($0)" }: self = .jpeg
    default: return nil
    }
  }

  /// What a stream of the JPEG families is by its first bytes, whatever the transfer syntax says.
  func asFound(in stream: UnsafeRawBufferPointer) -> Codec {
    guard self == .jpeg || self == .jpegLS || self == .jpeg2000, stream.count >= 8 else { return self }
    if stream[0] == 0xFF, stream[1] == 0x4F { return .jpeg2000 }
    if stream[4] == 0x6A, stream[5] == 0x50, stream[0] == 0 { return .jpeg2000 }
    guard stream[0] == 0xFF, stream[1] == 0xD8 else { return self }
    return JPEGHeader(stream)?.process == .jpegLS ? .jpegLS : .jpeg
  }
}

extension TransferSyntax {
  public static let jpegBaseline = TransferSyntax(uid: "1.2.840.10008.1.2.4.50")
  public static let jpegExtended = TransferSyntax(uid: "1.2.840.10008.1.2.4.51")
  public static let jpegLosslessSV1 = TransferSyntax(uid: "1.2.840.10008.1.2.4.70")
  public static let jpegLSLossless = TransferSyntax(uid: "1.2.840.10008.1.2.4.80")
  public static let jpegLSNearLossless = TransferSyntax(uid: "1.2.840.10008.1.2.4.81")
  public static let jpeg2000Lossless = TransferSyntax(uid: "1.2.840.10008.1.2.4.90")
  public static let jpeg2000 = TransferSyntax(uid: "1.2.840.10008.1.2.4.91")
  public static let htj2kLossless = TransferSyntax(uid: "1.2.840.10008.1.2.4.201")
  public static let htj2kLosslessRPCL = TransferSyntax(uid: "1.2.840.10008.1.2.4.202")
  public static let rleLossless = TransferSyntax(uid: "1.2.840.10008.1.2.5")
  public static let deflatedImageFrame = TransferSyntax(uid: "1.2.840.10008.1.2.8.1")
}
