import DICOMCore
import Foundation
import JSONCore
import TestSupport

/// Frames as pydicom and its decoders have them, written by scripts/dicom-frames.
struct ReferenceFrames {
  struct Entry {
    let file: String
    let number: Int
    let photometricInterpretation: String
    let bytes: Int
    let isSigned: Bool
    let frames: Int
    let decoder: String

    var name: String { file.split(separator: "/").last.map(String.init) ?? file }
    var path: String { ConformanceData.path("dicom/" + file) }
    var pixels: [UInt8] {
      get throws {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: ConformanceData.path("dicom-frames/\(number).bin"))))
      }
    }
  }

  static var isThere: Bool { ConformanceData.has("dicom") && ConformanceData.has("dicom-frames/index.json") }

  /// Those that pydicom decodes, and the names of those it does not.
  static func all() throws -> (decoded: [Entry], undecoded: [String]) {
    let document = try ConformanceData.read("dicom-frames/index.json")
    var (decoded, undecoded): ([Entry], [String]) = ([], [])
    for node in document.member(document.root, "files").map({ Array(document.elements($0)) }) ?? [] {
      func text(_ key: JSONKey) -> String { document.member(node, key).flatMap { document.string($0) } ?? "" }
      func number(_ key: JSONKey) -> Int { document.member(node, key).flatMap { document.integer($0) } ?? 0 }
      if document.member(node, "failed") != nil {
        undecoded.append(text("file"))
        continue
      }
      decoded.append(
        Entry(
          file: text("file"), number: number("number"),
          photometricInterpretation: text("photometricInterpretation"), bytes: number("bytes"),
          isSigned: document.member(node, "isSigned").flatMap { document.bool($0) } ?? false,
          frames: number("frames"), decoder: text("decoder")))
    }
    return (decoded, undecoded)
  }

  /// The largest difference of two lists of samples; nil if they are not equally long.
  static func difference(_ first: [UInt8], _ second: [UInt8], bytes: Int, isSigned: Bool) -> Int? {
    guard first.count == second.count else { return nil }
    if first == second { return 0 }
    guard bytes <= 4 else { return Int.max }
    var largest = 0
    func value(_ list: [UInt8], _ index: Int) -> Int {
      var word: UInt32 = 0
      for place in 0..<bytes { word |= UInt32(list[index * bytes + place]) << UInt32(8 * place) }
      let shift = UInt32(32 - 8 * bytes)
      return isSigned ? Int(Int32(bitPattern: word << shift) >> Int32(shift)) : Int(word)
    }
    for index in 0..<first.count / bytes { largest = max(largest, abs(value(first, index) - value(second, index))) }
    return largest
  }
}
