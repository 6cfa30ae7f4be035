import Base
import Testing

@Suite struct MediaTypeTests {
  @Test func `names and parameters are read, in any case and with spaces`() {
    let type = MediaType("Application/DICOM ; Transfer-Syntax=1.2.840.10008.1.2.1 ;q=0.5")
    #expect(type.name == "application/dicom")
    #expect(type["transfer-syntax"] == "1.2.840.10008.1.2.1")
    #expect(type.quality == 0.5)
  }

  @Test func `a semicolon in quotes belongs to the value`() {
    let type = MediaType(#"multipart/related; type="application/dicom; x=1"; boundary="a;b""#)
    #expect(type["type"] == "application/dicom; x=1")
    #expect(type["boundary"] == "a;b")
  }

  @Test func `a backslash in quotes takes the next character as it is`() {
    #expect(MediaType(#"a/b; c="d\"e;f""#)["c"] == #"d"e;f"#)
  }

  @Test func `a quote that nothing closes is passed over`() {
    let type = MediaType(#"multipart/related; boundary="abc; type=x/y"#)
    #expect(type["boundary"] == "abc")
    #expect(type["type"] == "x/y")
  }

  @Test func `lists are cut at commas outside of quotes`() {
    let list = MediaType.list(#"a/b; c="d,e", f/g;q=0.1, ,*/*"#)
    #expect(list.map(\.name) == ["a/b", "f/g", "*/*"])
    #expect(list[0]["c"] == "d,e")
  }

  @Test func `what is no number is the quality 1, and none is outside of 0 to 1`() {
    #expect(["a/b;q=x", "a/b;q=nan", "a/b", "a/b;q=7"].map { MediaType($0).quality } == [1, 1, 1, 1])
    #expect(MediaType("a/b;q=-3").quality == 0)
  }
}
