import ArgumentParser
import DICOMCore
import JSONCore

/// `aceso dicom dump`
struct DICOMDump: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump",
    abstract: "Show what is in a DICOM file.",
    discussion: """
      One line for each data element: tag, VR, bytes, keyword, value. After them come the frames, and the faults that \
      were read over.
      """)

  @Argument(help: "A DICOM file.")
  var file: String

  @Flag(help: "As DICOM JSON (PS3.18 Annex F), without streams of bytes.")
  var json = false

  @Flag(help: "As the Native DICOM Model in XML (PS3.19 A.1), without streams of bytes.")
  var xml = false

  @Option(help: ArgumentHelp("Characters of a value that are shown.", valueName: "n"))
  var width = 80

  func validate() throws {
    if json, xml { throw ValidationError("Either --json or --xml.") }
    if width < 1 { throw ValidationError("--width is at least 1.") }
  }

  func run() throws {
    let dicom: DICOMFile
    do throws(DICOMError) {
      dicom = try DICOMFile(path: file)
    } catch {
      throw CommandError("\(file): \(error.message)")
    }
    let output = try OutputFile("-")
    if json {
      let compact = try JSONDocument(DICOMJSONWriter.json(dicom.dataSet, bulkData: { _ in .withoutValue }))
      var pretty: [UInt8] = []
      compact.appendPretty(compact.root, to: &pretty)
      try output.write(pretty + [UInt8(ascii: "\n")])
    } else if xml {
      try output.write(NativeXMLWriter.xml(dicom.dataSet, bulkData: { _ in .withoutValue }))
    } else {
      var listing = DICOMListing(width: width)
      listing.add(dicom)
      try output.write(listing.bytes)
    }
    try output.finish()
  }
}

/// A DICOM file as lines for a person.
struct DICOMListing {
  private(set) var bytes: [UInt8] = []
  private let width: Int

  private static let framesMax = 8
  private static let keywordWidth = 36

  init(width: Int) { self.width = width }

  mutating func add(_ file: DICOMFile) {
    line("# \(file.transferSyntax) (\(file.transferSyntax.uid)), \(file.source.count) bytes")
    if let meta = file.fileMetaInformation { add(meta.dataSet, depth: 0) }
    add(file.dataSet, depth: 0)
    add(frames: file)
    let tolerances = file.tolerances
    if tolerances.count > 0 { line("# faults read over: \(tolerances.count)") }
    for fault in tolerances.list { line("#   \(fault.kind.rawValue) \(fault.tag) at byte \(fault.offset)") }
    if tolerances.count > tolerances.list.count { line("#   …") }
  }

  private mutating func line(_ text: String) {
    bytes.append(contentsOf: text.utf8)
    bytes.append(UInt8(ascii: "\n"))
  }

  /// Recurses as deep as items are nested, which the parser limits.
  private mutating func add(_ dataSet: DataSet, depth: Int) {
    let indent = String(repeating: "  ", count: depth)
    for element in dataSet.elements {
      let keyword = element.tag.keyword ?? element.privateName
      let head = "\(indent)\(element.tag) \(element.vr) \(aligned(element.length, to: 8)) "
      line("\(head)\(padded(keyword)) \(value(element))")
      for (number, item) in element.items.enumerated() {
        line("\(indent)  item \(number + 1)")
        add(item.dataSet, depth: depth + 2)
      }
      let fault = element.check().map { "\(indent)# ^ \($0.rawValue)" }
      if let fault { line(fault) }
    }
  }

  private func aligned(_ number: Int, to count: Int) -> String {
    let text = String(number)
    return String(repeating: " ", count: max(0, count - text.count)) + text
  }

  private func padded(_ text: String) -> String {
    text + String(repeating: " ", count: max(0, Self.keywordWidth - text.count))
  }

  private func value(_ element: DataElement) -> String {
    if element.isSequence { return element.valueMultiplicity == 1 ? "1 item" : "\(element.valueMultiplicity) items" }
    if element.isEncapsulated { return "\(max(0, element.fragments.count - 1)) fragments" }
    if element.isEmpty { return "" }
    guard !element.vr.isBinary else { return hexadecimal(element) }
    // Enough for the line; a value may be megabytes long.
    let text = element.vr.isText ? element.strings.joined(separator: "\\") : numbers(element)
    let name = element.vr == .UI ? UID(text).entry.map { " = \($0.name)" } ?? "" : ""
    return shortened(printable(text)) + name
  }

  private func numbers(_ element: DataElement) -> String {
    element.length > 8 * width ? hexadecimal(element) : element.strings.joined(separator: "\\")
  }

  private func hexadecimal(_ element: DataElement) -> String {
    let shown = element.bytes.prefix(width / 3)
    let digits = shown.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: " ")
    return digits + (element.length > shown.count ? " …" : "")
  }

  private func shortened(_ text: String) -> String {
    text.count <= width ? text : text.prefix(width - 1) + "…"
  }

  /// Control characters would be obeyed by the terminal.
  private func printable(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7F..<0xA0: result += scalar.escaped(asASCII: true)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  private mutating func add(frames file: DICOMFile) {
    guard let pixelData = PixelData(file.dataSet) else { return }
    let frames = pixelData.frames
    line("# frames: \(frames.count) of \(pixelData.declaredFrames), \(pixelData.columns) × \(pixelData.rows)")
    for (number, frame) in frames.prefix(Self.framesMax).enumerated() {
      let start = frame.ranges.first?.lowerBound ?? 0
      let fragments = frame.ranges.count > 1 ? " in \(frame.ranges.count) fragments" : ""
      line("#   \(number + 1): \(frame.count) bytes at \(start)\(fragments)")
    }
    if frames.count > Self.framesMax { line("#   …") }
  }
}

extension DataElement {
  /// What a private element is called, or that it is not known.
  fileprivate var privateName: String {
    if tag.isPrivateCreator { return "(private creator)" }
    guard let creator = privateCreator else { return tag.isPrivate ? "(private)" : "(unknown)" }
    return PrivateDictionary.standard.entry(tag, creator: creator)?.name ?? "(private: \(creator))"
  }
}
