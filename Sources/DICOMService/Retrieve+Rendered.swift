import Base
import DICOMCore
import DICOMStore
import DICOMweb
import ImageCodecs

/// Pictures for the eye (PS3.18 §10.4.1.1.3, §10.4.1.1.7).
extension Retrieve {
  func rendered(_ target: Target, _ frames: [Int]?, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let parameters = try RenderedParameters(call)
    let instance = try await representative(target, call)
    let numbers = try Self.numbers(frames, of: instance, target, parameters)
    if parameters.isAnimated(numbers.count) { return try await animated(instance, numbers, parameters) }
    if numbers.count == 1 {
      return try await picture(instance, numbers[0], parameters)
    }
    func part(_ number: Int, _ content: @escaping @Sendable () async throws -> [RetrieveRun]) -> RetrievePart {
      RetrievePart(
        parameters.mediaType, location: location(instance, call, "/frames/\(number)/rendered"), count: nil, content)
    }
    let parts: [RetrievePart]
    // As of frames: all at once while that is little.
    if Self.share(numbers.count, of: instance) <= limits.rehearsedBytesMax {
      parts = zip(numbers, try await pictures(instance, numbers, parameters)).map { number, run in
        part(number) { [run] }
      }
    } else {
      parts = numbers.map { number in part(number) { try await self.pictures(instance, [number], parameters) } }
    }
    return RetrieveParts.multipart(try await begun(parts), type: parameters.mediaType)
  }

  /// The frames to be shown. An instance shows its first, as with Microsoft's service, or all of them as an animation;
  /// what is above it, one from its middle.
  private static func numbers(
    _ frames: [Int]?, of instance: StoredInstance, _ target: Target, _ parameters: RenderedParameters
  ) throws(Fault) -> [Int] {
    guard let frames else {
      guard target.level == .instance else { return [middle(instance)] }
      return parameters.isAnimated(instance.frameCount) ? Array(1...instance.frameCount) : [1]
    }
    guard let last = frames.max(), last <= instance.frameCount else { throw noFrame }
    return frames
  }

  /// A small picture that stands for a target.
  func thumbnail(_ target: Target, _ frames: [Int]?, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    var parameters = try RenderedParameters(call, isThumbnail: true)
    let side = limits.thumbnailSideMax
    if let viewport = parameters.rendering.viewport, viewport.columns > side || viewport.rows > side {
      throw RenderedParameters.invalid("viewport", "at most \(side) each way")
    }
    let instance = try await representative(target, call)
    let number = frames?.first ?? Self.middle(instance)
    guard number <= instance.frameCount else { throw Self.noFrame }
    if parameters.rendering.viewport == nil {
      parameters.rendering.viewport = Viewport(columns: Renderer.thumbnailSide, rows: Renderer.thumbnailSide)
    }
    parameters.rendering.quality = min(parameters.rendering.quality, 90)
    return try await picture(instance, number, parameters)
  }

  /// The instance in the middle of those that have pixels.
  /// - Throws: `.notFound` if none has.
  private func representative(_ target: Target, _ call: DICOMCall) async throws(Fault) -> StoredInstance {
    let survey = try await survey(target, call) { $0.frameCount > 0 }
    if survey.isWhole { return survey.first[survey.count / 2] }
    // It is not on the first page: read on to its place.
    let queue = queue(survey, target, call)
    var left = survey.count / 2
    while let instance = try await queue.next(1).first {
      if instance.frameCount == 0 { continue }
      if left == 0 { return instance }
      left -= 1
    }
    // So many were deleted meanwhile that there is none in the middle.
    throw Self.noFrame
  }

  private static func middle(_ instance: StoredInstance) -> Int { (instance.frameCount + 1) / 2 }

  /// Bytes of the file that so many frames take.
  static func share(_ frames: Int, of instance: StoredInstance) -> Int {
    (instance.count / max(1, instance.frameCount)).multipliedReportingOverflow(by: frames).partialValue
  }

  /// A frame as a picture.
  private func picture(_ instance: StoredInstance, _ number: Int, _ parameters: RenderedParameters)
    async throws(Fault) -> DICOMAnswer
  {
    let limits = limits
    let bytes = try await decoding(instance) { file throws(Fault) -> [UInt8] in
      try Self.render(try Self.renderer(file, limits), number, parameters)
    }
    return DICOMAnswer(200, contentType: parameters.mediaType, .bytes(bytes))
  }

  /// Frames as pictures, in this order.
  private func pictures(_ instance: StoredInstance, _ numbers: [Int], _ parameters: RenderedParameters)
    async throws(Fault) -> [RetrieveRun]
  {
    let limits = limits
    return try await decoding(instance) { file throws(Fault) -> [RetrieveRun] in
      let renderer = try Self.renderer(file, limits)
      let spool = SharedSpool(limits)
      for number in numbers { try spool.add(try Self.render(renderer, number, parameters)) }
      return try spool.finish()
    }
  }

  private static func renderer(_ file: DICOMFile, _ limits: RetrieveLimits) throws(Fault) -> Renderer {
    do throws(ImageError) { return try Renderer(file, limits: limits.codec) } catch { throw error.fault }
  }

  private static func render(
    _ renderer: Renderer, _ number: Int, _ parameters: RenderedParameters
  ) throws(Fault) -> [UInt8] {
    do throws(ImageError) { return try renderer.render(number - 1, parameters.rendering) } catch { throw error.fault }
  }

  /// Frames as one picture that moves (PS3.18 §8.7.4).
  private func animated(_ instance: StoredInstance, _ numbers: [Int], _ parameters: RenderedParameters)
    async throws(Fault) -> DICOMAnswer
  {
    guard numbers.count <= limits.animatedFramesMax else {
      throw Fault(.notAcceptable, "A moving picture has \(limits.animatedFramesMax) frames at most.")
    }
    let limits = limits
    let runs = try await decoding(instance) { file throws(Fault) -> [RetrieveRun] in
      let spool = SharedSpool(limits)
      var failure: Fault?
      let renderer = try Self.renderer(file, limits)
      do throws(ImageError) {
        try renderer.animate(numbers.map { $0 - 1 }, parameters.rendering) { bytes throws(ImageError) in
          do throws(Fault) { try spool.add(bytes) } catch {
            failure = error
            throw ImageError(.unencodable)
          }
        }
      } catch { throw failure ?? error.fault }
      return try spool.finish()
    }
    return RetrieveParts.single(RetrievePart(parameters.mediaType, runs))
  }
}
