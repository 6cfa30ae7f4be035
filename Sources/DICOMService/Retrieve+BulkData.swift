import Base
import DICOMCore
import DICOMStore
import DICOMweb

/// Bulk data: streams of bytes that metadata refers to (PS3.18 §10.4.1.1.5).
extension Retrieve {
  private static let mediaType = "application/octet-stream"

  func bulkData(_ target: Target, _ path: [String], _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    guard !path.isEmpty else { return try await allBulkData(target, call) }
    let instance = try await foundOne(target, call)
    let store = store
    let list = try await Self.asking { try store.bulkData(instance) }
    guard let item = list.item(path) else { throw Self.noBulkData }
    // A stream in fragments is no value: its frames are.
    if item.isEncapsulated { return try await pixelData(target, call) }
    let forms = try call.acceptance.valueForms(isOne: true)
    guard let form = forms.first(where: { Self.takesOctets($0) }) else { throw Acceptance.notAcceptable }
    let parts = try await begun([part(instance, item, call)])
    if form.isMultipart { return RetrieveParts.multipart(parts, type: Self.mediaType) }
    return try await ranged(parts[0], call.range)
  }

  private func allBulkData(_ target: Target, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let forms = try call.acceptance.valueForms(isOne: false)
    guard forms.contains(where: { Self.takesOctets($0) }) else { throw Acceptance.notAcceptable }
    var first = pages(target, call)
    let page = try await first.next()
    guard !page.isEmpty else { throw Self.notFound(target) }
    let queue = InstanceQueue(page, then: first.isAtEnd ? nil : first)
    let store = store
    let next = { @Sendable () async throws(Fault) -> [RetrievePart] in
      while let instance = try await queue.next(1).first {
        let list = try await Self.asking { try store.bulkData(instance) }
        let items = list.items.filter { !$0.isEncapsulated }
        if !items.isEmpty { return items.map { self.part(instance, $0, call) } }
      }
      return []
    }
    let parts = try await begun(try await next())
    guard !parts.isEmpty else { throw Self.noBulkData }
    return RetrieveParts.multipart(parts, type: Self.mediaType, then: target.level == .instance ? nil : next)
  }

  private static var noBulkData: Fault { Fault(.notFound, "The specified bulk data cannot be found.") }

  /// Values are in little endian, or as stored, which is the same to those who ask for bytes.
  private static func takesOctets(_ form: RetrieveForm) -> Bool {
    guard form.mediaType == mediaType else { return false }
    guard case .transferSyntax(let uid) = form.syntax else { return true }
    return uid == TransferSyntax.explicitVRLittleEndian.uid
  }

  private func part(_ instance: StoredInstance, _ item: BulkDataList.Item, _ call: DICOMCall) -> RetrievePart {
    // PS3.18 F.2.7: Content-Location is the BulkDataURI.
    let location = location(instance, call, "/bulkdata/" + item.segments.joined(separator: "/"))
    let isInflated = TransferSyntax(uid: instance.transferSyntaxUID).encoding.isDeflated
    let isSwapped = item.isBigEndian && item.vr.wordSize > 1
    return RetrievePart(Self.mediaType, location: location, count: item.range.count) {
      if isInflated || isSwapped { return [.bytes(try await self.littleEndian(instance, item))] }
      return [try await self.contentLater(instance).run(item.range)]
    }
  }

  /// A value that is not in the file as it has to be sent.
  private func littleEndian(_ instance: StoredInstance, _ item: BulkDataList.Item) async throws(Fault) -> [UInt8] {
    try await decoding(instance) { file throws(Fault) in
      guard var bytes = file.dataSet.source.withBytes(item.range, { Array($0) }) else {
        throw Fault(.internal, "The content is not what was stored.")
      }
      let size = item.isBigEndian ? item.vr.wordSize : 1
      guard size > 1 else { return bytes }
      for start in stride(from: 0, to: bytes.count - size + 1, by: size) { bytes[start..<start + size].reverse() }
      return bytes
    }
  }

  // MARK: Ranges of bytes

  /// A part of a value where the client asks for one (RFC 9110 §14.2).
  private func ranged(_ part: RetrievePart, _ field: String?) async throws(Fault) -> DICOMAnswer {
    guard let field, let count = part.count, let range = ByteRange(field) else {
      var answer = RetrieveParts.single(part)
      answer.headers.append(("Accept-Ranges", "bytes"))
      return answer
    }
    guard let wanted = range.within(count) else {
      var answer = DICOMAnswer(416)
      answer.headers = [("Content-Range", "bytes */\(count)")]
      return answer
    }
    let runs = try await Self.asking { try await part.content() }
    var cut = part
    cut.headers.append(("Content-Range", "bytes \(wanted.lowerBound)-\(wanted.upperBound - 1)/\(count)"))
    cut.count = wanted.count
    let cutRuns = runs.map { $0.cut(wanted) }
    cut.content = { cutRuns }
    return RetrieveParts.single(cut, status: 206)
  }
}

/// `Range: bytes=…` with one range (RFC 9110 §14.1.2); other forms are passed over, as they may be.
private struct ByteRange {
  private let first: Int?
  private let last: Int?

  init?(_ field: String) {
    let pair = field.split(separator: "=", maxSplits: 1)
    guard pair.count == 2, pair[0] == "bytes" else { return nil }
    let ends = pair[1].split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard ends.count == 2 else { return nil }
    (first, last) = (Int(ends[0]), Int(ends[1]))
    let isNumber = (ends[0].isEmpty || first != nil) && (ends[1].isEmpty || last != nil)
    guard isNumber, first ?? 0 >= 0, last ?? 0 >= 0, first != nil || last != nil else { return nil }
    if let first, let last, last < first { return nil }
  }

  /// nil if there is nothing of so many bytes.
  func within(_ count: Int) -> Range<Int>? {
    guard let first else {
      let suffix = min(last ?? 0, count)
      return suffix > 0 ? count - suffix..<count : nil
    }
    guard first < count else { return nil }
    return first..<min(count - 1, last ?? count - 1) + 1
  }
}
