/// How a data set is encoded (PS3.5 §10 and Annex A).
public struct TransferSyntax: Hashable, Sendable {
  /// The encoding of the data set, apart from its pixel data.
  public enum Encoding: String, Sendable, CaseIterable {
    case implicitLittleEndian, explicitLittleEndian, explicitBigEndian, deflatedExplicitLittleEndian
    /// Of no transfer syntax: data sets of ACR-NEMA 2.0 have it.
    case implicitBigEndian

    public var isImplicit: Bool { self == .implicitLittleEndian || self == .implicitBigEndian }
    public var isBigEndian: Bool { self == .explicitBigEndian || self == .implicitBigEndian }
    public var isDeflated: Bool { self == .deflatedExplicitLittleEndian }
  }

  public let uid: UID
  public let encoding: Encoding
  /// Whether pixel data may be encapsulated: fragments of a compressed stream (PS3.5 A.4).
  public let isEncapsulated: Bool

  public static let implicitVRLittleEndian = TransferSyntax(uid: "1.2.840.10008.1.2", .implicitLittleEndian)
  public static let explicitVRLittleEndian = TransferSyntax(uid: "1.2.840.10008.1.2.1", .explicitLittleEndian)
  public static let explicitVRBigEndian = TransferSyntax(uid: "1.2.840.10008.1.2.2", .explicitBigEndian)
  public static let deflatedExplicitVRLittleEndian = TransferSyntax(
    uid: "1.2.840.10008.1.2.1.99", .deflatedExplicitLittleEndian)
  /// GE's "Implicit VR Big Endian": a data set as in implicit little endian, whose pixel data alone is big endian.
  public static let geImplicitBigEndianPixels = TransferSyntax(uid: "1.2.840.113619.5.2", .implicitLittleEndian)

  init(uid: UID, _ encoding: Encoding, isEncapsulated: Bool = false) {
    self.uid = uid
    self.encoding = encoding
    self.isEncapsulated = isEncapsulated
  }

  private static let unencapsulated = [
    implicitVRLittleEndian, explicitVRLittleEndian, explicitVRBigEndian, deflatedExplicitVRLittleEndian,
    geImplicitBigEndianPixels,
    // JPIP Referenced Deflate, JPIP HTJ2K Referenced Deflate (PS3.5 A.7, A.12)
    TransferSyntax(uid: "1.2.840.10008.1.2.4.95", .deflatedExplicitLittleEndian),
    TransferSyntax(uid: "1.2.840.10008.1.2.4.205", .deflatedExplicitLittleEndian),
    TransferSyntax(uid: "1.2.840.10008.1.2.4.94", .explicitLittleEndian),
    TransferSyntax(uid: "1.2.840.10008.1.2.4.204", .explicitLittleEndian),
  ]

  /// The transfer syntax of a UID. All that are not told apart above are explicit little endian with encapsulated
  /// pixel data: PS3.5 A.4 says so of every compressed one.
  public init(uid: UID) {
    self =
      Self.unencapsulated.first { $0.uid == uid }
      ?? TransferSyntax(uid: uid, .explicitLittleEndian, isEncapsulated: true)
  }

  /// Whether PS3.6 lists it as a transfer syntax, or it is a private one that is known.
  public var isKnown: Bool { uid.entry?.type == "Transfer Syntax" || self == .geImplicitBigEndianPixels }

  /// The name in PS3.6, nil for private ones.
  public var name: String? { uid.entry?.name }
}

extension TransferSyntax: CustomStringConvertible {
  public var description: String { name ?? uid.value }
}
