import BlobStore
import Foundation
import Testing

/// The folder of DICOM files that several nodes share.
@Suite struct SharedFolderTests {
  @Test("nodes share a folder of blobs; what one is writing stays when another starts, what is a day old goes")
  func shared() async throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("aceso-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let one = try FolderBlobStore(path: path, isShared: true)
    let (new, old) = ("\(path)/unfinished/new", "\(path)/unfinished/old")
    for file in [new, old] { try Data([1]).write(to: URL(fileURLWithPath: file)) }
    try FileManager.default.setAttributes([.modificationDate: Date(timeIntervalSinceNow: -90_000)], ofItemAtPath: old)
    let other = try FolderBlobStore(path: path, isShared: true)
    #expect(FileManager.default.fileExists(atPath: new))
    #expect(!FileManager.default.fileExists(atPath: old))
    // Who wants it for itself does not get it, and the other way round.
    #expect(throws: BlobError.self) { try FolderBlobStore(path: path) }
    await one.close()
    await other.close()
    let sole = try FolderBlobStore(path: path)
    #expect(!FileManager.default.fileExists(atPath: new))
    #expect(throws: BlobError.self) { try FolderBlobStore(path: path, isShared: true) }
    await sole.close()
  }
}
