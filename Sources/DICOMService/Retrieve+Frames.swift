import Base
import DICOMCore
import DICOMStore
import DICOMweb
import ImageCodecs

/// Frames and pixel data (PS3.18 §10.4.1.1.4, §10.4.1.1.6).
extension Retrieve {
  func frames(_ target: Target, _ numbers: [Int], _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let forms = try call.acceptance.valueForms(isOne: numbers.count == 1)
    let instance = try await foundOne(target, call)
    guard let last = numbers.max(), last <= instance.frameCount else { throw Self.noFrame }
    guard let form = forms.first(where: { Self.canGiveFrames(instance, $0.syntax) }) else {
      throw Acceptance.notAcceptable
    }
    return try await answer([(instance, numbers)], form, call)
  }

  /// All frames of a target.
  func pixelData(_ target: Target, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let all = try await found(target, call).filter { $0.frameCount > 0 }
    guard let first = all.first else { throw Self.noFrame }
    let isOne = all.count == 1 && first.frameCount == 1
    let forms = try call.acceptance.valueForms(isOne: isOne)
    guard let form = forms.first(where: { form in all.allSatisfy { Self.canGiveFrames($0, form.syntax) } }) else {
      throw Acceptance.notAcceptable
    }
    return try await answer(all.map { ($0, Array(1...$0.frameCount)) }, form, call)
  }

  static var noFrame: Fault { Fault(.notFound, "The specified frame cannot be found.") }

  /// As stored, decoded, or encoded anew.
  private static func canGiveFrames(_ instance: StoredInstance, _ syntax: RetrieveForm.Syntax) -> Bool {
    guard case .transferSyntax(let uid) = syntax, uid != instance.transferSyntaxUID else { return true }
    return canGive(instance, syntax)
  }

  private func answer(_ wanted: [(StoredInstance, [Int])], _ form: RetrieveForm, _ call: DICOMCall)
    async throws(Fault) -> DICOMAnswer
  {
    var parts: [RetrievePart] = []
    for (instance, numbers) in wanted {
      // The file is opened once for all frames, but not those of all instances at the same time.
      let content = wanted.count == 1 ? try await content(instance) : nil
      parts += try await self.parts(instance, numbers, content, form, call)
    }
    parts = try await begun(parts)
    guard form.isMultipart || parts.count != 1 else { return RetrieveParts.single(parts[0]) }
    return RetrieveParts.multipart(parts, type: form.mediaType)
  }

  /// Frames of an instance, by their numbers from 1.
  private func parts(
    _ instance: StoredInstance, _ numbers: [Int], _ opened: InstanceContent?, _ form: RetrieveForm, _ call: DICOMCall
  ) async throws(Fault) -> [RetrievePart] {
    let syntax = Self.syntax(instance, form.syntax)
    let type = Self.contentType(form.mediaType, syntax)
    func location(_ number: Int) -> String? { self.location(instance, call, "/frames/\(number)") }
    let isStored = syntax == instance.transferSyntaxUID || Self.isLittleEndianNative(instance, syntax)
    if isStored, let places = try await places(instance, numbers) {
      return zip(numbers, places).map { number, place in
        RetrievePart(type, location: location(number), count: place.count) {
          let content = if let opened { opened } else { try await self.content(instance) }
          return try place.ranges.map { range throws(Fault) in try content.run(range) }
        }
      }
    }
    return numbers.map { number in
      RetrievePart(type, location: location(number), count: nil) {
        [.bytes(try await self.frame(instance, number, syntax))]
      }
    }
  }

  /// Native little endian pixels are the same bytes whether the data set says its VRs or not.
  private static func isLittleEndianNative(_ instance: StoredInstance, _ syntax: UID) -> Bool {
    syntax == TransferSyntax.explicitVRLittleEndian.uid
      && instance.transferSyntaxUID == TransferSyntax.implicitVRLittleEndian.uid
  }

  /// Where frames are in the file; nil if they are no whole bytes of it.
  private func places(_ instance: StoredInstance, _ numbers: [Int]) async throws(Fault) -> [FrameTable.Frame]? {
    let store = store
    let table = try await Self.asking { try store.frameTable(instance) }
    guard !table.isInflated, let places = table.frames(numbers) else { return nil }
    return places.allSatisfy { $0.bitOffset == 0 } ? places : nil
  }

  /// A frame that has to be cut out, decoded or encoded.
  private func frame(_ instance: StoredInstance, _ number: Int, _ syntax: UID) async throws(Fault) -> [UInt8] {
    let limits = limits.codec
    return try await decoding(instance) { file throws(Fault) in
      do throws(ImageError) {
        let target = TransferSyntax(uid: syntax)
        // Native frames as stored: in little endian always, since there is no other form for them.
        if target.isEncapsulated, target == file.transferSyntax {
          return try FrameReader(file, limits: limits).stream(number - 1)
        }
        let native = target.isEncapsulated ? target : .explicitVRLittleEndian
        return try FrameTranscoder(file, to: native, limits: limits).frame(number - 1)
      } catch { throw error.fault }
    }
  }
}
