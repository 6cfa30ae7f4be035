import Base
import DICOMCore
import DICOMStore
import DICOMweb
import ImageCodecs

/// Instances (PS3.18 §10.4.1.1.1).
extension Retrieve {
  func instances(_ target: Target, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let forms = try call.acceptance.instanceForms(target.level)
    let found = try await found(target, call)
    guard let form = forms.first(where: { form in found.allSatisfy { Self.canGive($0, form.syntax) } }) else {
      throw Acceptance.notAcceptable
    }
    let parts = try await begun(found.map { part($0, form.syntax, call) })
    guard form.isMultipart || parts.count != 1 else { return RetrieveParts.single(parts[0]) }
    return RetrieveParts.multipart(parts, type: "application/dicom")
  }

  private func part(_ instance: StoredInstance, _ syntax: RetrieveForm.Syntax, _ call: DICOMCall) -> RetrievePart {
    let type = Self.contentType("application/dicom", Self.syntax(instance, syntax))
    let count = Self.needsTranscoding(instance, syntax) ? nil : instance.count
    return RetrievePart(type, location: location(instance, call), count: count) {
      [try await self.run(instance, syntax)]
    }
  }

  /// An instance, as stored or in another transfer syntax.
  func run(_ instance: StoredInstance, _ syntax: RetrieveForm.Syntax) async throws(Fault) -> RetrieveRun {
    if Self.needsTranscoding(instance, syntax) { return try await transcoded(instance, syntax) }
    return try await content(instance).run(0..<instance.count)
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
  static func canGive(_ instance: StoredInstance, _ syntax: RetrieveForm.Syntax) -> Bool {
    guard case .transferSyntax(let uid) = syntax, uid != instance.transferSyntaxUID else { return true }
    let target = TransferSyntax(uid: uid)
    // PS3.18 §8.7.3.5: never implicit, never big endian.
    guard FrameEncoder.supports(target), !target.encoding.isImplicit, !target.encoding.isBigEndian else { return false }
    return instance.frameCount == 0 || Codec(TransferSyntax(uid: instance.transferSyntaxUID)) != nil
  }

  /// An instance in another transfer syntax, whole.
  private func transcoded(_ instance: StoredInstance, _ syntax: RetrieveForm.Syntax) async throws(Fault) -> RetrieveRun
  {
    let limits = limits
    let target = TransferSyntax(uid: Self.syntax(instance, syntax))
    return try await decoding(instance) { file throws(Fault) in
      var spool = RetrieveSpool(limits)
      var failure: Fault?
      do throws(ImageError) {
        try Transcoder(file, to: target, limits: limits.codec).write { piece throws(ImageError) in
          do throws(Fault) { try spool.append(piece) } catch {
            failure = error
            throw ImageError(.unencodable)
          }
        }
      } catch { throw failure ?? error.fault }
      return try spool.finish()
    }
  }
}
