/// Value representation: how the value of a data element is encoded (PS3.5 §6.2).
public enum VR: UInt8, Sendable, CaseIterable {
  case AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, OB, OD, OF, OL, OV, OW, PN, SH, SL, SQ, SS, ST, SV, TM
  case UC, UI, UL, UN, UR, US, UT, UV

  /// The two letters.
  @inlinable
  public var name: StaticString {
    switch self {
    case .AE: "AE"
    case .AS: "AS"
    case .AT: "AT"
    case .CS: "CS"
    case .DA: "DA"
    case .DS: "DS"
    case .DT: "DT"
    case .FD: "FD"
    case .FL: "FL"
    case .IS: "IS"
    case .LO: "LO"
    case .LT: "LT"
    case .OB: "OB"
    case .OD: "OD"
    case .OF: "OF"
    case .OL: "OL"
    case .OV: "OV"
    case .OW: "OW"
    case .PN: "PN"
    case .SH: "SH"
    case .SL: "SL"
    case .SQ: "SQ"
    case .SS: "SS"
    case .ST: "ST"
    case .SV: "SV"
    case .TM: "TM"
    case .UC: "UC"
    case .UI: "UI"
    case .UL: "UL"
    case .UN: "UN"
    case .UR: "UR"
    case .US: "US"
    case .UT: "UT"
    case .UV: "UV"
    }
  }

  /// By its two letters.
  public init?(_ first: UInt8, _ second: UInt8) {
    guard first &- 65 < 26, second &- 65 < 26 else { return nil }
    let number = VR.byLetters[Int(first - 65) * 26 + Int(second - 65)]
    guard number != 0xFF, let vr = VR(rawValue: number) else { return nil }
    self = vr
  }

  public init?(_ letters: some StringProtocol) {
    let bytes = Array(letters.utf8)
    guard bytes.count == 2 else { return nil }
    self.init(bytes[0], bytes[1])
  }

  private static let byLetters: [UInt8] = {
    var table = [UInt8](repeating: 0xFF, count: 26 * 26)
    for vr in VR.allCases {
      let letters = vr.letters
      table[Int(letters.0 - 65) * 26 + Int(letters.1 - 65)] = vr.rawValue
    }
    return table
  }()

  @inline(__always)
  var letters: (UInt8, UInt8) { (name.utf8Start[0], name.utf8Start[1]) }

  /// Whether explicit encodings give it two reserved bytes and a length of 32 bits (PS3.5 table 7.1-1).
  public var hasLongLength: Bool {
    switch self {
    case .OB, .OD, .OF, .OL, .OV, .OW, .SQ, .SV, .UC, .UN, .UR, .UT, .UV: true
    default: false
    }
  }

  /// Whether the value is a stream of bytes or words, not a list of values: InlineBinary or BulkDataURI in JSON.
  public var isBinary: Bool {
    switch self {
    case .OB, .OD, .OF, .OL, .OV, .OW, .UN: true
    default: false
    }
  }

  /// Whether (0008,0005) applies to the value (PS3.5 §6.1.2.2).
  public var usesSpecificCharacterSet: Bool {
    switch self {
    case .LO, .LT, .PN, .SH, .ST, .UC, .UT: true
    default: false
    }
  }

  /// Whether the value is text.
  public var isText: Bool {
    switch self {
    case .AE, .AS, .CS, .DA, .DS, .DT, .IS, .LO, .LT, .PN, .SH, .ST, .TM, .UC, .UI, .UR, .UT: true
    default: false
    }
  }

  /// Whether a text has one value only, in which `\` is a character like any other (PS3.5 §6.2).
  public var isSingleText: Bool {
    switch self {
    case .LT, .ST, .UR, .UT: true
    default: false
    }
  }

  /// Bytes of one binary number or word, by which big endian differs from little endian; 1 for all others.
  public var wordSize: Int {
    switch self {
    case .AT, .OW, .SS, .US: 2
    case .FL, .OF, .OL, .SL, .UL: 4
    case .FD, .OD, .OV, .SV, .UV: 8
    default: 1
    }
  }

  /// Bytes of one binary value; 0 for text, sequences and streams.
  public var valueSize: Int {
    switch self {
    case .SS, .US: 2
    case .AT, .FL, .SL, .UL: 4
    case .FD, .SV, .UV: 8
    default: 0
    }
  }

  /// What makes an odd length even (PS3.5 §6.2): NUL for UIDs and bytes, space for text.
  public var padding: UInt8 { isText && self != .UI ? 0x20 : 0 }
}

extension VR: CustomStringConvertible {
  public var description: String { name.description }
}
