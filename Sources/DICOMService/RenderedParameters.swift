import Base
import DICOMweb
import ImageCodecs

/// How a picture is asked for (PS3.18 §8.3.5).
struct RenderedParameters: Sendable {
  var rendering = Rendering()

  /// The media types in which pictures are made, the one for those who do not say first.
  static let mediaTypes = ["image/jpeg", "image/png", "image/gif"]

  private static let formats: [String: Rendering.Format] = ["image/png": .png, "image/gif": .gif]

  private(set) var mediaType = Self.mediaTypes[0]
  /// Whether the client takes one picture, and not one for each frame.
  private var isSingle = true

  /// Whether so many frames are one picture that moves: a GIF that is asked for by itself (PS3.18 §8.7.4).
  func isAnimated(_ frames: Int) -> Bool { frames > 1 && rendering.format == .gif && isSingle }

  /// - Throws: `.notAcceptable` for other media types; `.invalid` for a parameter out of its range.
  init(_ call: DICOMCall, isThumbnail: Bool = false) throws(Fault) {
    let acceptance = call.acceptance
    guard let type = acceptance.isAbsent ? Self.mediaTypes[0] : Self.choice(acceptance) else {
      throw Acceptance.notAcceptable
    }
    mediaType = type
    rendering.format = Self.format(type)
    isSingle = acceptance.choice(of: [type]) != nil
    // Microsoft's service gives the best quality to those who do not ask; the standard leaves it open.
    rendering.quality = call.version == .standard ? 90 : 100
    if let text = call.parameters["quality"] { rendering.quality = try Self.quality(text) }
    if let text = call.parameters["viewport"] {
      guard let viewport = Viewport(text) else { throw Self.invalid("viewport", "vw,vh or vw,vh,sx,sy,sw,sh") }
      rendering.viewport = viewport
    }
    // PS3.18 §8.3.5.2: a thumbnail has no other parameters.
    if !isThumbnail, let text = call.parameters["window"] { rendering.window = try Self.window(text) }
  }

  static func format(_ mediaType: String) -> Rendering.Format { formats[mediaType] ?? .jpeg }

  /// Several frames are one part each of a multipart answer, of the type that the client names for the parts.
  private static func choice(_ acceptance: Acceptance) -> String? {
    if let type = acceptance.choice(of: mediaTypes) { return type }
    return acceptance.ranges.lazy.compactMap { range in mediaTypes.first { range.matches($0) } }.first
  }

  static func quality(_ text: String) throws(Fault) -> Int {
    guard let quality = Int(text), (1...100).contains(quality) else {
      throw invalid("quality", "a whole number from 1 to 100")
    }
    return quality
  }

  /// `center,width` or `center,width,function` (PS3.18 §8.3.5.1.4).
  private static func window(_ text: String) throws(Fault) -> Window {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let functions: [String: Window.Function] = [
      "linear": .linear, "linear-exact": .linearExact, "linear_exact": .linearExact, "sigmoid": .sigmoid,
    ]
    guard (2...3).contains(parts.count), let center = Double(parts[0]), let width = Double(parts[1]),
      let function = parts.count == 3 ? functions[parts[2].lowercased()] : .linear,
      let window = Window(center: center, width: width, function: function)
    else { throw invalid("window", "center,width,function with the function linear, linear-exact or sigmoid") }
    return window
  }

  static func invalid(_ parameter: String, _ form: String) -> Fault {
    Fault(.invalid, "The '\(parameter)' parameter must be \(form).")
  }
}
