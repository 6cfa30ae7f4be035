internal import CFHIRTables

/// The embedded releases. Each is read at first use; a release that nobody asks for costs nothing but its bytes in
/// the program.
extension Schema {
  /// FHIR STU3, 3.0.1 (3.0.2 is a technical correction of its pages; the definitions are the same).
  public static let stu3 = Schema(
    embedded: UnsafeBufferPointer(start: fhir_stu3_table(), count: fhir_stu3_table_size()), name: "stu3")

  /// FHIR R4, 4.0.1.
  public static let r4 = Schema(
    embedded: UnsafeBufferPointer(start: fhir_r4_table(), count: fhir_r4_table_size()), name: "r4")

  /// FHIR R4B, 4.3.0.
  public static let r4b = Schema(
    embedded: UnsafeBufferPointer(start: fhir_r4b_table(), count: fhir_r4b_table_size()), name: "r4b")

  /// FHIR R5, 5.0.0.
  public static let r5 = Schema(
    embedded: UnsafeBufferPointer(start: fhir_r5_table(), count: fhir_r5_table_size()), name: "r5")

  /// The release's number without its patch, as the `fhirVersion` parameter of media types has it: "4.0".
  public var release: String { fhirVersion.split(separator: ".").prefix(2).joined(separator: ".") }

  /// The releases' numbers as `release(_:)` takes them, oldest first.
  public static let releases = ["3.0", "4.0", "4.3", "5.0"]

  /// The schema of a release by its number, "4.0" or with the patch "4.0.1" (R4 http#version-parameter: the first two
  /// digits tell the release); nil for one that is not embedded.
  public static func release(_ fhirVersion: String) -> Schema? {
    let numbers = fhirVersion.split(separator: ".", omittingEmptySubsequences: false)
    guard numbers.count == 2 || numbers.count == 3,
      numbers.allSatisfy({ !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } })
    else { return nil }
    switch (numbers[0], numbers[1]) {
    case ("3", "0"): return stu3
    case ("4", "0"): return r4
    case ("4", "3"): return r4b
    case ("5", "0"): return r5
    default: return nil
    }
  }
}
