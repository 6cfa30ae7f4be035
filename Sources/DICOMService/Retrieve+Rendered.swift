import Base
import DICOMCore
import DICOMStore
import DICOMweb
import ImageCodecs

/// Pictures for the eye (PS3.18 §10.4.1.1.3, §10.4.1.1.7).
extension Retrieve {
  func rendered(_ target: Target, _ frames: [Int]?, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let parameters = try RenderedParameters(call)
    let instances = try await found(target, call)
    let instance = try Self.representative(instances)
    // An instance shows its first frame, as with Microsoft's service; what is above it, one from its middle.
    let numbers = frames ?? [target.level == .instance ? 1 : Self.middle(instance)]
    guard let last = numbers.max(), last <= instance.frameCount else { throw Self.noFrame }
    if numbers.count == 1 {
      let picture = try await picture(instance, numbers[0], parameters)
      return DICOMAnswer(200, contentType: parameters.mediaType, .bytes(picture))
    }
    let parts = numbers.map { number in
      RetrievePart(parameters.mediaType, location: location(instance, call, "/frames/\(number)/rendered"), count: nil) {
        [.bytes(try await self.picture(instance, number, parameters))]
      }
    }
    return RetrieveParts.multipart(try await begun(parts), type: parameters.mediaType)
  }

  /// A small picture that stands for a target.
  func thumbnail(_ target: Target, _ frames: [Int]?, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    var parameters = try RenderedParameters(call, isThumbnail: true)
    let side = limits.thumbnailSideMax
    if let viewport = parameters.rendering.viewport, viewport.columns > side || viewport.rows > side {
      throw RenderedParameters.invalid("viewport", "at most \(side) each way")
    }
    let instance = try Self.representative(try await found(target, call))
    let number = frames?.first ?? Self.middle(instance)
    guard number <= instance.frameCount else { throw Self.noFrame }
    if parameters.rendering.viewport == nil {
      parameters.rendering.viewport = Viewport(columns: Renderer.thumbnailSide, rows: Renderer.thumbnailSide)
    }
    parameters.rendering.quality = min(parameters.rendering.quality, 90)
    let picture = try await picture(instance, number, parameters)
    return DICOMAnswer(200, contentType: parameters.mediaType, .bytes(picture))
  }

  /// The instance in the middle of those that have pixels.
  /// - Throws: `.notFound` if none has.
  private static func representative(_ instances: [StoredInstance]) throws(Fault) -> StoredInstance {
    let shown = instances.filter { $0.frameCount > 0 }
    guard !shown.isEmpty else { throw noFrame }
    return shown[shown.count / 2]
  }

  private static func middle(_ instance: StoredInstance) -> Int { (instance.frameCount + 1) / 2 }

  private func picture(_ instance: StoredInstance, _ number: Int, _ parameters: RenderedParameters)
    async throws(Fault) -> [UInt8]
  {
    let limits = limits.codec
    return try await decoding(instance) { file throws(Fault) in
      do throws(ImageError) {
        return try Renderer(file, limits: limits).render(number - 1, parameters.rendering)
      } catch { throw error.fault }
    }
  }
}
