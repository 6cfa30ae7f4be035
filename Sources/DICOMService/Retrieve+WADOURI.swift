import Base
import DICOMCore
import DICOMStore
import DICOMweb
import ImageCodecs

/// Single instances by parameters alone (PS3.18 §9).
extension Retrieve {
  func wadoURI(_ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    let parameters = call.parameters
    guard parameters["requestType"] == "WADO" else { throw RenderedParameters.invalid("requestType", "WADO") }
    let target = Target(
      study: try Self.uid("studyUID", call), series: try Self.uid("seriesUID", call),
      instance: try Self.uid("objectUID", call))
    if let anonymize = parameters["anonymize"], anonymize == "yes" {
      throw Fault(.unsupported, "Instances are not de-identified on their way out.")
    }
    let instance = try await foundOne(target, call)
    switch try Self.form(instance, call) {
    case "application/dicom": return try await wadoInstance(instance, call)
    case let type: return try await wadoPicture(instance, type, call)
    }
  }

  private static func uid(_ name: StaticString, _ call: DICOMCall) throws(Fault) -> UID {
    guard let text = call.parameters["\(name)"] else { throw Fault(.invalid, "The '\(name)' parameter is missing.") }
    return try DICOMRoute.uid(text, name)
  }

  /// The media type (PS3.18 §9.1.2.2.1): the first of `contentType`, or of the `Accept` header, that there is. By
  /// itself a single picture is a JPEG, and anything else the instance (§9.1.3).
  private static func form(_ instance: StoredInstance, _ call: DICOMCall) throws(Fault) -> String {
    let offered =
      instance.frameCount == 1
      ? RenderedParameters.mediaTypes + ["application/dicom"] : ["application/dicom"] + RenderedParameters.mediaTypes
    let asked = call.parameters.all("contentType")
    let acceptance = Acceptance(asked.isEmpty ? call.accept : asked)
    if acceptance.isAbsent { return offered[0] }
    guard let type = acceptance.choice(of: offered) else { throw Acceptance.notAcceptable }
    return type
  }

  private func wadoInstance(_ instance: StoredInstance, _ call: DICOMCall) async throws(Fault) -> DICOMAnswer {
    // §9.1.2.2.5: explicit little endian unless another is asked for.
    let text = call.parameters["transferSyntax"] ?? TransferSyntax.explicitVRLittleEndian.uid.value
    let syntax = text == "*" ? RetrieveForm.Syntax.original : .transferSyntax(UID(text))
    guard Self.canGive(InstanceSurvey.Kind(instance), syntax) else { throw Acceptance.notAcceptable }
    let part = RetrievePart("application/dicom", count: nil) { [try await self.run(instance, syntax)] }
    return RetrieveParts.single(try await begun([part])[0])
  }

  private func wadoPicture(_ instance: StoredInstance, _ type: String, _ call: DICOMCall) async throws(Fault)
    -> DICOMAnswer
  {
    let parameters = call.parameters
    var rendering = Rendering()
    rendering.format = RenderedParameters.format(type)
    if let text = parameters["imageQuality"] { rendering.quality = try RenderedParameters.quality(text) }
    rendering.window = try Self.window(call)
    let number = try Self.positive("frameNumber", call) ?? 1
    guard number <= instance.frameCount else { throw Self.noFrame }
    let size = (columns: try Self.positive("columns", call), rows: try Self.positive("rows", call))
    let region = try parameters["region"].map { text throws(Fault) in try Region(text) }
    let limits = limits.codec
    let finished = rendering
    let picture = try await decoding(instance) { file throws(Fault) in
      do throws(ImageError) {
        let renderer = try Renderer(file, limits: limits)
        var rendering = finished
        rendering.viewport = Self.viewport(size.columns, size.rows, region, renderer.reader.image, limits)
        return try renderer.render(number - 1, rendering)
      } catch { throw error.fault }
    }
    return DICOMAnswer(200, contentType: type, .bytes(picture))
  }

  private static func positive(_ name: String, _ call: DICOMCall) throws(Fault) -> Int? {
    guard let text = call.parameters[name] else { return nil }
    guard let number = Int(text), number > 0 else { throw RenderedParameters.invalid(name, "a whole number above 0") }
    return number
  }

  private static func window(_ call: DICOMCall) throws(Fault) -> Window? {
    let (center, width) = (call.parameters["windowCenter"], call.parameters["windowWidth"])
    if center == nil, width == nil { return nil }
    // §9.1.2.4.5: each needs the other.
    guard let center = center.flatMap({ Double($0) }), let width = width.flatMap({ Double($0) }),
      let window = Window(center: center, width: width)
    else { throw RenderedParameters.invalid("windowCenter' and 'windowWidth", "numbers, the width at least 1") }
    return window
  }

  /// §9.1.2.4.2 to §9.1.2.4.4: a picture of at most so many columns and rows, of a part of the image. nil if nothing is
  /// asked for.
  private static func viewport(
    _ columns: Int?, _ rows: Int?, _ region: Region?, _ image: ImagePixel, _ limits: CodecLimits
  ) -> Viewport? {
    guard columns != nil || rows != nil || region != nil else { return nil }
    let part = region ?? .whole
    let (wide, high) = (Double(image.columns), Double(image.rows))
    let width = max(1, (part.right - part.left) * wide)
    let height = max(1, (part.bottom - part.top) * high)
    // Without a size of its own the part is shown as large as it is.
    let unlimited = columns != nil || rows != nil
    return Viewport(
      columns: columns ?? (unlimited ? limits.renderedSideMax : max(1, Int(width))),
      rows: rows ?? (unlimited ? limits.renderedSideMax : max(1, Int(height))),
      left: min(part.left * wide, wide - width), top: min(part.top * high, high - height), width: width,
      height: height)
  }

  /// `left,top,right,bottom` in fractions of the image.
  private struct Region {
    let left: Double
    let top: Double
    let right: Double
    let bottom: Double

    static let whole = Region(left: 0, top: 0, right: 1, bottom: 1)

    private init(left: Double, top: Double, right: Double, bottom: Double) {
      self.left = left
      self.top = top
      self.right = right
      self.bottom = bottom
    }

    init(_ text: String) throws(Fault) {
      let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? -1 }
      guard numbers.count == 4, numbers.allSatisfy({ (0...1).contains($0) }), numbers[0] < numbers[2],
        numbers[1] < numbers[3]
      else { throw RenderedParameters.invalid("region", "left,top,right,bottom in fractions of the image") }
      self.init(left: numbers[0], top: numbers[1], right: numbers[2], bottom: numbers[3])
    }
  }
}
