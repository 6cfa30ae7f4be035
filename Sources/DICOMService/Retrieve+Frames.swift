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
    let kind = InstanceSurvey.Kind(instance)
    guard let form = forms.first(where: { Self.canGive(kind, $0.syntax) }) else { throw Acceptance.notAcceptable }
    let parts = try await begun(try await parts(instance, numbers, try await content(instance), form, call))
    guard form.isMultipart || parts.count != 1 else { return RetrieveParts.single(parts[0]) }
    return RetrieveParts.multipart(parts, type: form.mediaType)
  }

  /// All frames of a target.
  func pixelData(_ target: Target, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let survey = try await survey(target, call) { $0.frameCount > 0 }
    let isOne = survey.count == 1
    if isOne, let only = survey.first.first, only.frameCount == 1 { return try await frames(only.target, [1], call) }
    let (form, isPartial) = try Self.choice(try call.acceptance.valueForms(isOne: false), survey, call)
    let queue = queue(survey, target, call)
    let next = { @Sendable () async throws(Fault) -> [RetrievePart] in
      while let instance = try await queue.next(1).first {
        guard instance.frameCount > 0, Self.canGive(InstanceSurvey.Kind(instance), form.syntax) else { continue }
        // The file is opened once for all frames, but not those of all instances at the same time.
        guard let content = try await self.contents([instance])[0] else { continue }
        return try await self.parts(instance, Array(1...instance.frameCount), content, form, call)
      }
      return []
    }
    let first = try await begun(try await next())
    guard !first.isEmpty else { throw Self.noFrame }
    return RetrieveParts.multipart(
      first, type: form.mediaType, status: isPartial ? 206 : 200, then: isOne ? nil : next)
  }

  static var noFrame: Fault { Fault(.notFound, "The specified frame cannot be found.") }

  /// Frames of an instance, by their numbers from 1.
  private func parts(
    _ instance: StoredInstance, _ numbers: [Int], _ content: InstanceContent, _ form: RetrieveForm, _ call: DICOMCall
  ) async throws(Fault) -> [RetrievePart] {
    let syntax = Self.syntax(instance, form.syntax)
    let type = Self.contentType(form.mediaType, syntax)
    func location(_ number: Int) -> String? { self.location(instance, call, "/frames/\(number)") }
    let isStored = syntax == instance.transferSyntaxUID || Self.isLittleEndianNative(instance, syntax)
    if isStored, let places = try await places(instance, numbers) {
      return zip(numbers, places).map { number, place in
        RetrievePart(type, location: location(number), count: place.count) {
          try place.ranges.map { range throws(Fault) in try content.run(range) }
        }
      }
    }
    // All at once while that is little: then the answer's status tells whether they could be made.
    if numbers.count > 1, Self.share(numbers.count, of: instance) <= limits.rehearsedBytesMax {
      return zip(numbers, try await frames(instance, numbers, syntax)).map { number, run in
        RetrievePart(type, location: location(number), [run])
      }
    }
    return numbers.map { number in
      RetrievePart(type, location: location(number), count: nil) {
        try await self.frames(instance, [number], syntax)
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

  /// Frames that have to be cut out, decoded or encoded.
  private func frames(_ instance: StoredInstance, _ numbers: [Int], _ syntax: UID) async throws(Fault) -> [RetrieveRun]
  {
    let limits = limits
    return try await decoding(instance) { file throws(Fault) -> [RetrieveRun] in
      let frame = try Self.frames(of: file, syntax, limits.codec)
      if numbers.count == 1 { return [.bytes(try frame(numbers[0] - 1))] }
      let spool = SharedSpool(limits)
      for number in numbers { try spool.add(try frame(number - 1)) }
      return try spool.finish()
    }
  }

  /// Gives frames of a file, by their numbers from 0.
  private static func frames(
    of file: DICOMFile, _ syntax: UID, _ limits: CodecLimits
  ) throws(Fault) -> (Int) throws(Fault) -> [UInt8] {
    let target = TransferSyntax(uid: syntax)
    do throws(ImageError) {
      // Native frames as stored: in little endian always, since there is no other form for them.
      if target.isEncapsulated, target == file.transferSyntax {
        let reader = try FrameReader(file, limits: limits)
        return { number throws(Fault) in
          do throws(ImageError) { return try reader.stream(number) } catch { throw error.fault }
        }
      }
      let transcoder = try FrameTranscoder(
        file, to: target.isEncapsulated ? target : .explicitVRLittleEndian, limits: limits)
      return { number throws(Fault) in
        do throws(ImageError) { return try transcoder.frame(number) } catch { throw error.fault }
      }
    } catch { throw error.fault }
  }
}
