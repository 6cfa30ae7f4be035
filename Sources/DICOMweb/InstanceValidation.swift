public import DICOMCore

/// What is wrong with the attributes of an instance that is to be stored (Microsoft's rules of its versions; the
/// standard's form has those of v2, but that a patient's ID may be absent and that nothing is left out of metadata).
///
/// In v1 an attribute that can be searched for refuses its instance if it is invalid, and no other is looked at. In v2
/// only the three UIDs, the SOP class and the patient's ID do; all others, nested ones too, are warnings.
public struct InstanceValidation: Sendable {
  public struct Finding: Hashable, Sendable {
    public let tag: Tag
    public let text: String

    /// As ErrorComment (0000,0902) has it.
    public var comment: String { "DICOM100: \(tag.description.lowercased()) - \(text)" }
  }

  /// One for each attribute, those that refuse the instance first. Limited in number.
  public private(set) var findings: [Finding] = []
  /// Whether the instance must not be stored.
  public private(set) var isRefused = false
  /// Attributes that are to be left out of metadata and search, because they are invalid there.
  public private(set) var dropped: Set<Tag> = []
  /// Whether an attribute that can be searched for has several values where it may have one; the first counts.
  public private(set) var hasMultipleValues = false

  /// Findings that are told.
  public static let findingsMax = 100
  /// Bytes of a value that are quoted in a finding.
  static let quotedBytesMax = 512

  private var found: Set<Tag> = []

  static let invalidUID =
    "DICOM Identifier is invalid. Value length should not exceed the maximum length of 64 characters. Value should "
    + "contain characters in '0'-'9' and '.'. Each component must start with non-zero number."

  static let invalidCharacter = "Value contains invalid character."

  private static let required: [Tag] = [.sopClassUID, .studyInstanceUID, .seriesInstanceUID, .sopInstanceUID]

  /// What Microsoft's service indexes.
  private static let indexed: [Tag] = [
    .studyInstanceUID, .studyDate, .studyDescription, .accessionNumber, .patientID, .patientName,
    .referringPhysicianName, .patientBirthDate, .seriesInstanceUID, .modality, .performedProcedureStepStartDate,
    .manufacturerModelName, .sopInstanceUID,
  ]
  private static let indexedSet = Set(indexed)

  /// - Parameter study: the study that the instance has to be of, if the request names one.
  public init(_ dataSet: DataSet, _ version: DICOMVersion, study: UID?) {
    checkRequired(dataSet, version, study: study)
    if version == .v1 {
      for tag in Self.indexed { checkIndexed(dataSet, tag) }
      isRefused = !findings.isEmpty
    } else {
      for tag in Self.required + [.patientID] { checkRequiredValue(dataSet, tag) }
      isRefused = !findings.isEmpty
      for tag in Self.indexed { noteMultipleValues(dataSet, tag) }
      // PS3.3 C.2.2: type 2, and absent in many files that are good otherwise.
      if dataSet[.patientID] == nil { note(.patientID, Self.missing(.patientID)) }
      checkAll(dataSet, version)
    }
  }

  private mutating func note(_ tag: Tag, _ text: String) {
    guard found.insert(tag).inserted, findings.count < Self.findingsMax else { return }
    findings.append(Finding(tag: tag, text: text))
  }

  // MARK: Required attributes

  private static func missing(_ tag: Tag) -> String {
    "The required tag '\(tag.description.lowercased())' is missing."
  }

  /// Stops at the first that is not there.
  private mutating func checkRequired(_ dataSet: DataSet, _ version: DICOMVersion, study: UID?) {
    for tag in Self.required where dataSet.string(tag) == nil { return note(tag, Self.missing(tag)) }
    if let study, dataSet.uid(.studyInstanceUID) != study {
      return note(
        .studyInstanceUID, "The StudyInstanceUid in the payload does not match the specified StudyInstanceUid.")
    }
    switch version {
    case .v1: if dataSet.string(.patientID) == nil { note(.patientID, Self.missing(.patientID)) }
    case .v2: if dataSet[.patientID] == nil { note(.patientID, Self.missing(.patientID)) }
    case .standard: break
    }
  }

  private mutating func checkRequiredValue(_ dataSet: DataSet, _ tag: Tag) {
    guard let element = dataSet[tag] else { return }
    if let complaint = StrictRules.complaint(element, ignoresPadding: true) { note(tag, complaint) }
  }

  private mutating func checkIndexed(_ dataSet: DataSet, _ tag: Tag) {
    guard let element = dataSet[tag] else { return }
    noteMultipleValues(dataSet, tag)
    if let complaint = StrictRules.complaint(element, ignoresPadding: false) { note(tag, complaint) }
  }

  private mutating func noteMultipleValues(_ dataSet: DataSet, _ tag: Tag) {
    guard let element = dataSet[tag], element.bytes.contains(UInt8(ascii: "\\")), element.valueMultiplicity > 1 else {
      return
    }
    hasMultipleValues = true
  }

  // MARK: All attributes

  private mutating func checkAll(_ dataSet: DataSet, _ version: DICOMVersion) {
    var waiting = [dataSet]
    var isOutermost = true
    while let next = waiting.popLast() {
      for element in next.elements {
        if element.isSequence {
          for item in element.items { waiting.append(item.dataSet) }
        } else if let text = complaint(element, isOutermost: isOutermost) {
          let isNew = !found.contains(element.tag)
          note(element.tag, text)
          // PS3.18 has metadata with all attributes; Microsoft's leaves out what cannot be searched for.
          if isNew, isOutermost, version == .v2, Self.indexedSet.contains(element.tag), element.tag != .patientID {
            dropped.insert(element.tag)
          }
        }
      }
      isOutermost = false
      guard findings.count < Self.findingsMax else { return }
    }
  }

  private func complaint(_ element: DataElement, isOutermost: Bool) -> String? {
    if element.tag == .patientID, element.string == nil { return Self.missing(.patientID) }
    guard !element.isEmpty, element.vr.isText, let found = ValueRules.complaint(element) else { return nil }
    return "Content \"\(found.value)\" does not validate VR \(element.vr): \(found.text)"
  }
}

/// The rules for attributes that have to be right.
private enum StrictRules {
  /// - Parameter ignoresPadding: whether NULs at the end are padding wherever they are.
  static func complaint(_ element: DataElement, ignoresPadding: Bool) -> String? {
    let keyword = element.tag.keyword ?? element.tag.hexadecimal
    func failed(_ vr: VR, _ text: String) -> String {
      "Dicom element '\(keyword)' failed validation for VR '\(vr)': \(text)"
    }
    if let expected = DataDictionary.standard.entry(element.tag)?.vr, expected != element.vr {
      return failed(
        element.vr,
        "The extended query tag '\(keyword)' is expected to have VR '\(expected)' but has '\(element.vr)' in file.")
    }
    guard var value = element.strings.first else { return nil }
    if !ignoresPadding, element.vr != .UI, isPaddedWithNull(element.bytes) { value += "\0" }
    if value.isEmpty { return nil }
    return text(element.vr, value).map { failed(element.vr, $0) }
  }

  private static func isPaddedWithNull(_ bytes: UnsafeRawBufferPointer) -> Bool {
    bytes.last { $0 != 0x20 } == 0
  }

  private static func text(_ vr: VR, _ value: String) -> String? {
    switch vr {
    case .UI: return isUID(value) ? nil : InstanceValidation.invalidUID
    case .DA: return DateTimeText.date(value) == nil ? "Value cannot be parsed as a valid date." : nil
    case .AE, .CS, .SH: return value.utf16.count > 16 ? tooLong(16) : nil
    case .LO:
      if value.utf16.count > 64 { return tooLong(64) }
      return value.contains("\\") || hasControls(value) ? InstanceValidation.invalidCharacter : nil
    case .PN: return name(value)
    default: return nil
    }
  }

  private static func tooLong(_ count: Int) -> String { "Value length exceeds maximum length of \(count)." }

  /// Digits and dots with a digit at the end.
  private static func isUID(_ value: String) -> Bool {
    guard value.utf8.count <= 64, let last = value.utf8.last, last &- 48 < 10 else { return false }
    return value.utf8.allSatisfy { $0 &- 48 < 10 || $0 == UInt8(ascii: ".") }
  }

  private static func name(_ value: String) -> String? {
    let groups = value.split(separator: "=", omittingEmptySubsequences: false)
    if groups.count > 3 { return "Value contains more than 3 groups." }
    for group in groups {
      if group.utf16.count > 64 { return "One or more group of person name exceeds maxium length of 64." }
      if hasControls(group) { return InstanceValidation.invalidCharacter }
    }
    let isTooLong = groups.contains { $0.split(separator: "^", omittingEmptySubsequences: false).count > 5 }
    return isTooLong ? "Value contains more than 5 components." : nil
  }

  private static func hasControls(_ text: some StringProtocol) -> Bool {
    text.unicodeScalars.contains { ValueRules.isControl($0) }
  }
}
