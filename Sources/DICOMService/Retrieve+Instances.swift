import Base
import DICOMCore
import DICOMStore
import DICOMweb
import ImageCodecs

/// Instances (PS3.18 §10.4.1.1.1).
extension Retrieve {
  func instances(_ target: Target, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let forms = try call.acceptance.instanceForms(target.level)
    let survey = try await survey(target, call)
    let (form, isPartial) = try Self.choice(forms, survey, call)
    let syntax = form.syntax
    if survey.isWhole {
      let given = survey.first.filter { Self.canGive(InstanceSurvey.Kind($0), syntax) }
      let work = given.reduce(0) { Self.needsTranscoding($1, syntax) ? $0 + $1.count : $0 }
      if work > 0, work <= limits.rehearsedBytesMax {
        let parts = try await rehearsed(given, syntax, call)
        return answer(parts, form, status: parts.count < given.count || isPartial ? 206 : 200)
      }
      if given.count == 1 {
        return answer(try await begun([part(given[0], syntax, call)]), form, status: isPartial ? 206 : 200)
      }
    }
    return try await sent(queue(survey, target, call), form, survey, status: isPartial ? 206 : 200, call)
  }

  private func answer(_ parts: [RetrievePart], _ form: RetrieveForm, status: Int) -> DICOMAnswer {
    guard form.isMultipart || parts.count != 1 else { return RetrieveParts.single(parts[0], status: status) }
    return RetrieveParts.multipart(parts, type: "application/dicom", status: status)
  }

  /// The form of an answer, and whether some of the instances cannot be given in it.
  ///
  /// Microsoft's service gives all of them or none. The standard (PS3.18 table 10.4.3-1) has 206 for an answer with
  /// some of them.
  /// - Throws: `.notAcceptable`
  static func choice(
    _ forms: [RetrieveForm], _ survey: InstanceSurvey, _ call: DICOMCall
  ) throws(Fault) -> (form: RetrieveForm, isPartial: Bool) {
    if let form = forms.first(where: { form in survey.kinds.allSatisfy { canGive($0, form.syntax) } }) {
      return (form, false)
    }
    if call.version == .standard,
      let form = forms.first(where: { form in survey.kinds.contains { canGive($0, form.syntax) } })
    {
      return (form, true)
    }
    throw Acceptance.notAcceptable
  }

  // MARK: Parts

  private func part(_ instance: StoredInstance, _ syntax: RetrieveForm.Syntax, _ call: DICOMCall) -> RetrievePart {
    let type = Self.contentType("application/dicom", Self.syntax(instance, syntax))
    let count = Self.needsTranscoding(instance, syntax) ? nil : instance.count
    return RetrievePart(type, location: location(instance, call), count: count) {
      [try await self.run(instance, syntax)]
    }
  }

  /// Instances a few at a time as the client takes them. Of those that fit one page the length is announced; of more,
  /// those that are deleted meanwhile are left out.
  private func sent(
    _ queue: InstanceQueue, _ form: RetrieveForm, _ survey: InstanceSurvey, status: Int, _ call: DICOMCall
  ) async throws(Fault) -> DICOMAnswer {
    let syntax = form.syntax
    let isOpenEnded = !survey.isWhole
    let most = max(1, limits.openInstancesMax)
    let next = { @Sendable () async throws(Fault) -> [RetrievePart] in
      while true {
        let some = try await queue.next(most)
        if some.isEmpty { return [] }
        let given = some.filter { Self.canGive(InstanceSurvey.Kind($0), syntax) }
        let parts = try await self.opened(given, syntax, isOpenEnded: isOpenEnded, call)
        if !parts.isEmpty { return parts }
      }
    }
    let first = try await begun(try await next())
    guard !first.isEmpty else { throw Fault(.notFound, "The instances have been deleted.") }
    var announced: [RetrievePart]?
    if survey.isWhole {
      let given = survey.first.filter { Self.canGive(InstanceSurvey.Kind($0), syntax) }
      announced = given.map { part($0, syntax, call) }
    }
    return RetrieveParts.multipart(
      first, type: "application/dicom", status: status, announced: announced, then: next)
  }

  /// Parts whose files are open, but for those to be transcoded.
  private func opened(
    _ instances: [StoredInstance], _ syntax: RetrieveForm.Syntax, isOpenEnded: Bool, _ call: DICOMCall
  ) async throws(Fault) -> [RetrievePart] {
    let stored = instances.filter { !Self.needsTranscoding($0, syntax) }
    var contents = try await contents(stored)[...]
    var parts: [RetrievePart] = []
    for instance in instances {
      var part = part(instance, syntax, call)
      if !Self.needsTranscoding(instance, syntax) {
        guard let content = contents.popFirst() ?? nil else {
          if isOpenEnded { continue }
          throw Self.notFound(instance.target)
        }
        let run = try content.run(0..<instance.count)
        part.content = { [run] }
      }
      parts.append(part)
    }
    return parts
  }

  /// All parts, made before the answer begins: so its status tells whether they could be. In the standard's form those
  /// that could not are left out.
  private func rehearsed(
    _ instances: [StoredInstance], _ syntax: RetrieveForm.Syntax, _ call: DICOMCall
  ) async throws(Fault) -> [RetrievePart] {
    let spool = SharedSpool(limits)
    var made: [StoredInstance] = []
    var failure: Fault?
    for instance in instances where Self.needsTranscoding(instance, syntax) {
      do throws(Fault) {
        try await transcode(instance, syntax, to: spool)
        made.append(instance)
      } catch {
        guard call.version == .standard, error.category == .notAcceptable else { throw error }
        failure = error
      }
    }
    var runs = Dictionary(uniqueKeysWithValues: zip(made.map(\.watermark), try spool.finish()))
    var parts: [RetrievePart] = []
    for instance in instances {
      var part = part(instance, syntax, call)
      if Self.needsTranscoding(instance, syntax) {
        guard let run = runs.removeValue(forKey: instance.watermark) else { continue }
        part.count = run.count
        part.content = { [run] }
      } else {
        part.content = { [try await self.contentLater(instance).run(0..<instance.count)] }
      }
      parts.append(part)
    }
    if parts.isEmpty { throw failure ?? Acceptance.notAcceptable }
    return parts
  }

  /// An instance, as stored or in another transfer syntax.
  func run(_ instance: StoredInstance, _ syntax: RetrieveForm.Syntax) async throws(Fault) -> RetrieveRun {
    guard Self.needsTranscoding(instance, syntax) else { return try await content(instance).run(0..<instance.count) }
    let spool = SharedSpool(limits)
    try await transcode(instance, syntax, to: spool)
    return try spool.finish()[0]
  }

  /// PS3.18 §8.7.4: where a part comes from. Microsoft's service does not say.
  func location(_ instance: StoredInstance, _ call: DICOMCall, _ rest: String = "") -> String? {
    call.version == .standard ? "\(call.root)/\(instance.target.path)\(rest)" : nil
  }

  static func contentType(_ type: String, _ syntax: UID) -> String { "\(type); transfer-syntax=\(syntax)" }

  // MARK: Transfer syntaxes

  /// The transfer syntax an instance has in an answer.
  static func syntax(_ instance: StoredInstance, _ syntax: RetrieveForm.Syntax) -> UID {
    if case .transferSyntax(let uid) = syntax { uid } else { instance.transferSyntaxUID }
  }

  static func needsTranscoding(_ instance: StoredInstance, _ syntax: RetrieveForm.Syntax) -> Bool {
    Self.syntax(instance, syntax) != instance.transferSyntaxUID
  }

  /// Whether there is a way from an instance's transfer syntax to another, as far as its name tells.
  static func canGive(_ kind: InstanceSurvey.Kind, _ syntax: RetrieveForm.Syntax) -> Bool {
    guard case .transferSyntax(let uid) = syntax, uid != kind.transferSyntaxUID else { return true }
    let target = TransferSyntax(uid: uid)
    // PS3.18 §8.7.3.5: never implicit, never big endian.
    guard FrameEncoder.supports(target), !target.encoding.isImplicit, !target.encoding.isBigEndian else { return false }
    return !kind.hasFrames || Codec(TransferSyntax(uid: kind.transferSyntaxUID)) != nil
  }

  /// An instance in another transfer syntax, whole.
  private func transcode(
    _ instance: StoredInstance, _ syntax: RetrieveForm.Syntax, to spool: SharedSpool
  ) async throws(Fault) {
    let limits = limits
    let target = TransferSyntax(uid: Self.syntax(instance, syntax))
    try await decoding(instance) { file throws(Fault) in
      try spool.add { append throws(Fault) in
        var failure: Fault?
        do throws(ImageError) {
          try Transcoder(file, to: target, limits: limits.codec).write { piece throws(ImageError) in
            do throws(Fault) { try append(piece) } catch {
              failure = error
              throw ImageError(.unencodable)
            }
          }
        } catch { throw failure ?? error.fault }
      }
    }
  }
}
