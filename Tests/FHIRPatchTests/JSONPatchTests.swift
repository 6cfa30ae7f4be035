import Base
import FHIRModel
import FHIRPatch
import JSONCore
import Testing

/// JSON Patch of resources, as clients of Azure's service know it.
@Suite struct JSONPatchTests {
  private func apply(_ patch: String, to resource: String = Patching.patient) throws -> JSONValue {
    try JSONDocument(try Patching.json(patch, to: resource)).value
  }

  @Test func replacesAndRemoves() throws {
    let result = try apply(
      #"[{"op":"replace","path":"/gender","value":"female"},{"op":"remove","path":"/address"}]"#)
    #expect(result["gender"]?.string == "female")
    #expect(result["address"] == nil)
  }

  @Test func leavesAllElseByteForByte() throws {
    let result = try Patching.json(#"[{"op":"replace","path":"/gender","value":"female"}]"#)
    #expect(result == Patching.patient.replacing(#""gender":"male""#, with: #""gender":"female""#))
    #expect(try Patching.json("[]") == Patching.patient)
    #expect(try Patching.json(#"[{"op":"replace","path":"/gender","value":"male"}]"#) == Patching.patient)
  }

  @Test(arguments: [
    #"{"op":"add","path":"/active","value":true}"#, #""text""#, "null", "[1]", #"[{"path":"/gender","value":"male"}]"#,
    #"[{"op":"add","value":"male"}]"#, #"[{"op":"coo","path":"/gender","value":"male"}]"#,
    #"[{"op":"ADD","path":"/gender","value":"male"}]"#, #"[{"op":"replace","path":"","value":{}}]"#,
    #"[{"op":"add","path":"/gender"}]"#, #"[{"op":"replace","path":"/gender"}]"#, #"[{"op":"test","path":"/gender"}]"#,
    #"[{"op":"move","path":"/gender"}]"#, #"[{"op":"copy","path":"/gender","from":1}]"#,
    #"[{"op":"add","path":"gender","value":"male"}]"#, #"[{"op":"add","path":"/a~2b","value":"male"}]"#,
    #"[{"op":"remove","path":"/gender~"}]"#, #"[{"op":"remove","path":1}]"#, #"[{"op":1,"path":"/gender"}]"#,
    #"[{"op":"move","from":"/name","path":"/name/0"}]"#,
  ])
  func refusesWhatIsNoPatch(_ patch: String) {
    _ = Patching.diagnostics { try Patching.json(patch) }
  }

  @Test(arguments: [
    #"{"op":"replace","path":"/dummyProperty","value":"x"}"#, #"{"op":"add","path":"/dummyProperty","value":"x"}"#,
    #"{"op":"replace","path":"/multipleBirthInteger","value":1}"#, #"{"op":"remove","path":"/photo"}"#,
    #"{"op":"add","path":"/address/2","value":{"use":"home"}}"#, #"{"op":"add","path":"/address/01","value":{}}"#,
    #"{"op":"add","path":"/address/x","value":{"use":"home"}}"#, #"{"op":"remove","path":"/address/-"}"#,
    #"{"op":"add","path":"/contact/0","value":{}}"#, #"{"op":"add","path":"/gender/x","value":"male"}"#,
    #"{"op":"replace","path":"/gender","value":"dummyGender"}"#, #"{"op":"replace","path":"/birthDate","value":"abc"}"#,
    #"{"op":"replace","path":"/address/0/use","value":"dummyAddress"}"#,
    #"{"op":"replace","path":"/birthDate","value":"2022-05-02T14:00:00+02:00"}"#,
    #"{"op":"replace","path":"/gender","value":null}"#, #"{"op":"replace","path":"/active","value":"yes"}"#,
    #"{"op":"add","path":"/deceasedDateTime","value":"2015-02-14T13:42:00+10:00"}"#,
    #"{"op":"test","path":"/deceasedBoolean","value":true}"#,
    #"{"op":"test","path":"/deceasedBoolean","value":"false"}"#,
    #"{"op":"test","path":"/photo","value":1}"#, #"{"op":"copy","from":"/photo","path":"/name"}"#,
  ])
  func refusesWhatGivesNoPatient(_ operation: String) {
    _ = Patching.diagnostics { try Patching.json("[\(operation)]") }
  }

  @Test(arguments: [
    #"{"op":"replace","path":"/id","value":"other"}"#, #"{"op":"replace","path":"/versionId","value":"9"}"#,
    #"{"op":"replace","path":"/meta/versionId","value":"9"}"#, #"{"op":"remove","path":"/meta/lastUpdated"}"#,
    #"{"op":"replace","path":"/resourceType","value":"Group"}"#,
    #"{"op":"replace","path":"/text/status","value":"empty"}"#,
    #"{"op":"replace","path":"/text/div","value":"<div xmlns=\"http://www.w3.org/1999/xhtml\">y</div>"}"#,
    #"{"op":"remove","path":"/text"}"#, #"{"op":"remove","path":"/id"}"#, #"{"op":"remove","path":"/meta"}"#,
    #"{"op":"move","from":"/id","path":"/language"}"#, #"{"op":"copy","from":"/gender","path":"/id"}"#,
  ])
  func refusesImmutableElements(_ operation: String) {
    let text = Patching.diagnostics { try Patching.json("[\(operation)]") }
    #expect(operation.contains("/versionId\"") || text.contains("immutable"))
  }

  @Test func testsImmutableElements() throws {
    let patch = #"[{"op":"test","path":"/meta/versionId","value":"1"},{"op":"replace","path":"/id","value":"p1"}]"#
    #expect(try Patching.json(patch) == Patching.patient)
  }

  @Test func replacesOneChoiceByAnother() throws {
    let result = try apply(
      """
      [{"op":"add","path":"/deceasedDateTime","value":"2022-05-02T14:00:00+02:00"},
       {"op":"remove","path":"/deceasedBoolean"}]
      """)
    #expect(result["deceasedDateTime"]?.string == "2022-05-02T14:00:00+02:00")
    #expect(result["deceasedBoolean"] == nil)
  }

  @Test func takesTextForBooleans() throws {
    let result = try apply(
      """
      [{"op":"test","path":"/deceasedBoolean","value":false},
       {"op":"replace","path":"/deceasedBoolean","value":"true"},
       {"op":"replace","path":"/name/0/family","value":"true"}]
      """)
    #expect(result["deceasedBoolean"]?.bool == true)
    #expect(result["name"]?[0]?["family"]?.string == "true")
  }

  @Test func makesMissingArrays() throws {
    let tag = #"{"system":"http://example.org","code":"a"}"#
    let result = try apply(
      """
      [{"op":"add","path":"/meta/tag","value":\(tag)},{"op":"add","path":"/meta/tag/-","value":\(tag)},
       {"op":"add","path":"/telecom","value":[]},{"op":"add","path":"/telecom/0","value":{"system":"phone"}}]
      """)
    #expect(result["meta"]?["tag"]?.count == 2)
    #expect(result["telecom"]?.json == Array(#"[{"system":"phone"}]"#.utf8))
    // Where there is an array already, one value is no list.
    _ = Patching.diagnostics {
      try Patching.json(#"[{"op":"add","path":"/address","value":{"use":"home"}}]"#)
    }
  }

  @Test func removesWhatBecomesEmpty() throws {
    #expect(try apply(#"[{"op":"remove","path":"/address/0"}]"#)["address"] == nil)
    let names = try apply(#"[{"op":"remove","path":"/name/1/given/0"}]"#)["name"]
    #expect(names?.count == 1)
    // What is sent empty is refused.
    _ = Patching.diagnostics { try Patching.json(#"[{"op":"add","path":"/contact","value":[{}]}]"#) }
    let extended = #"[{"op":"remove","path":"/_birthDate/extension/0"}]"#
    #expect(try apply(extended)["_birthDate"] == nil)
  }

  @Test func movesAndCopies() throws {
    let moved = try apply(#"[{"op":"move","from":"/name/0","path":"/name/1"}]"#)
    #expect(moved["name"]?[0]?["given"]?[0]?.string == "Jim")
    #expect(moved["name"]?[1]?["family"]?.string == "Chalmers")
    let copied = try apply(
      #"[{"op":"copy","from":"/name/1","path":"/name/-"},{"op":"move","from":"/name","path":"/name"}]"#)
    #expect(copied["name"]?.count == 3)
  }

  @Test func typesReachIntoContainedResources() throws {
    let resource =
      #"{"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"x","active":true}],"#
      + #""status":"final","code":{"text":"x"}}"#
    let patch =
      #"[{"op":"replace","path":"/contained/0/active","value":"false"},"#
      + #"{"op":"add","path":"/contained/0/name","value":{"text":"n"}}]"#
    let result = try apply(patch, to: resource)
    #expect(result["contained"]?[0]?["active"]?.bool == false)
    #expect(result["contained"]?[0]?["name"]?[0]?["text"]?.string == "n")
  }

  /// RFC 6902 §4.6 and RFC 6901 on JSON that is no resource.
  @Test(arguments: [
    (#"{"a":1.0}"#, #"{"op":"test","path":"/a","value":1}"#, true),
    (#"{"a":100}"#, #"{"op":"test","path":"/a","value":1e2}"#, true),
    (#"{"a":-0.0}"#, #"{"op":"test","path":"/a","value":0}"#, true),
    (#"{"a":0.10}"#, #"{"op":"test","path":"/a","value":1E-1}"#, true),
    (#"{"a":1}"#, #"{"op":"test","path":"/a","value":-1}"#, false),
    (#"{"a":1e99999999999999999999}"#, #"{"op":"test","path":"/a","value":1e99999999999999999998}"#, false),
    (#"{"a":1e99999999999999999999}"#, #"{"op":"test","path":"/a","value":1e99999999999999999999}"#, true),
    (#"{"a":{"x":1,"y":[1,null]}}"#, #"{"op":"test","path":"/a","value":{"y":[1,null],"x":1}}"#, true),
    (#"{"a":[1,2]}"#, #"{"op":"test","path":"/a","value":[2,1]}"#, false),
    (#"{"a":"\u0041"}"#, #"{"op":"test","path":"/a","value":"A"}"#, true),
    (#"{"":{"":1}}"#, #"{"op":"test","path":"//","value":1}"#, true),
    (#"{"a/b":1,"m~n":2}"#, #"{"op":"test","path":"/a~1b","value":1}"#, true),
    (#"{"m~n":2}"#, #"{"op":"test","path":"/m~0n","value":2}"#, true),
    (#"{"a":[]}"#, #"{"op":"test","path":"/a/0","value":2}"#, false),
    (#"{"a":null}"#, #"{"op":"test","path":"/a","value":null}"#, true),
  ])
  func tests(_ document: String, _ operation: String, _ isEqual: Bool) throws {
    let patch = try JSONPatch(parsing: try JSONDocument("[\(operation)]"))
    let target = try JSONDocument(document)
    if isEqual {
      _ = try patch.apply(to: target)
    } else {
      #expect(throws: Fault.self) { try patch.apply(to: target) }
    }
  }

  @Test func followsTheRFCWithoutSchema() throws {
    func plain(_ document: String, _ patch: String) throws -> String {
      let patch = try JSONPatch(parsing: try JSONDocument(patch))
      return String(decoding: try patch.apply(to: try JSONDocument(document)), as: UTF8.self)
    }
    #expect(try plain(#"{ "a" : 1 }"#, #"[{"op":"add","path":"","value":[ 1 ]}]"#) == "[1]")
    #expect(try plain(#"{"a":[1]}"#, #"[{"op":"remove","path":"/a/0"}]"#) == #"{"a":[]}"#)
    #expect(try plain(#"{"a":1}"#, #"[{"op":"add","path":"/q\"\\","value":"\u00e9"}]"#) == #"{"a":1,"q\"\\":"\u00e9"}"#)
    #expect(try plain(#"{"\u0061":1}"#, #"[{"op":"replace","path":"/a","value":2}]"#) == #"{"\u0061":2}"#)
    #expect(throws: Fault.self) { try plain("{}", #"[{"op":"remove","path":""}]"#) }
  }
}
