import BlobStore
import Testing

@Suite struct XXH64Tests {
  /// The buffer of xxHash's own self test (xxhsum, `XSUM_fillTestBuffer`).
  private static let sanity: [UInt8] = {
    var generator: UInt64 = 2_654_435_761
    return (0..<2_367).map { _ in
      defer { generator &*= 11_400_714_785_074_694_797 }
      return UInt8(generator >> 56)
    }
  }()

  @Test("digests are those of the reference implementation's self test")
  func vectors() {
    // xxhsum's XSUM_XXH64_testdata for seed 0, and the digests of "a" and "abc" in the specification's users' tests.
    let expected: [(Int, UInt64)] = [
      (0, 0xEF46_DB37_51D8_E999), (1, 0xE934_A84A_DB05_2768), (4, 0x9136_A0DC_A574_57EE),
      (14, 0x8282_DCC4_994E_35C8), (222, 0xB641_AE8C_B691_C174),
    ]
    for (count, digest) in expected {
      #expect(XXH64.digest(Array(Self.sanity.prefix(count))) == digest, "\(count) bytes")
    }
    #expect(XXH64.digest(Array("a".utf8)) == 0xD24E_C4F1_A98C_6E5B)
    #expect(XXH64.digest(Array("abc".utf8)) == 0x44BC_2CF5_AD77_0999)
  }

  @Test("however the bytes are cut, the digest is the same")
  func pieces() {
    let whole = XXH64.digest(Self.sanity)
    for size in [1, 7, 31, 32, 33, 64, 100, 2_366] {
      var hash = XXH64()
      for start in stride(from: 0, to: Self.sanity.count, by: size) {
        Self.sanity[start..<min(start + size, Self.sanity.count)].withUnsafeBytes { hash.update($0) }
      }
      #expect(hash.digest == whole, "pieces of \(size)")
    }
  }
}
