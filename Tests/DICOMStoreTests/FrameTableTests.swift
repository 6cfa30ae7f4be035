import BlobStore
import DICOMCore
import DICOMStore
import TestSupport
import Testing

@Suite(.enabled(if: Corpus.isThere, "needs data set dicom")) struct FrameTableTests {
  @Test("frames are where the pixel data has them, for every file")
  func corpus() throws {
    var (files, frames, encapsulated) = (0, 0, 0)
    for file in try Corpus.files() {
      let table = try #require(FrameTable(encoded: FrameTable(file.file).encoded))
      let expected = PixelData(file.file.dataSet)?.frames ?? []
      #expect(table.count == expected.count, "\(file.path)")
      let numbers = Array(1...max(1, expected.count))
      if expected.isEmpty {
        #expect(table.frame(1) == nil)
        continue
      }
      files += 1
      frames += expected.count
      encapsulated += table.isEncapsulated ? 1 : 0
      let found = try #require(table.frames(numbers), "\(file.path)")
      #expect(found.map(\.ranges) == expected.map(\.ranges), "\(file.path)")
      #expect(found.map(\.bitOffset) == expected.map(\.bitOffset), "\(file.path)")
      #expect(table.isInflated == file.file.isDeflated)
      // Out of order, twice, and one past the end.
      #expect(
        table.frames([expected.count, 1, 1])?.map(\.ranges) == [expected.count, 1, 1].map { expected[$0 - 1].ranges })
      #expect(table.frames([1, expected.count + 1]) == nil)
      #expect(table.frames([0]) == nil)
    }
    print("frame tables: \(files) files, \(frames) frames, \(encapsulated) files encapsulated")
    #expect(files > 150)
  }

  @Test("damaged tables are refused, never a trap")
  func damaged() throws {
    var generator = SeededGenerator(seed: 7)
    for file in try Corpus.files().prefix(60) {
      let encoded = FrameTable(file.file).encoded
      for _ in 0..<50 where !encoded.isEmpty {
        var bytes = encoded
        for _ in 0..<3 {
          bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
        }
        bytes.removeLast(Int.random(in: 0...min(3, bytes.count), using: &generator))
        guard let table = FrameTable(encoded: bytes), table.count < 1_000_000 else { continue }
        _ = table.frames([max(1, table.count)])
        _ = table.frames([1])
      }
    }
  }
}
