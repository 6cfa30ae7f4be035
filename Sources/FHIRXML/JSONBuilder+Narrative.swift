internal import CXML2
internal import JSONCore

/// A narrative's `div`: in JSON a string of markup (R4 json.html#xhtml).
extension JSONBuilder {
  struct Narrative {
    /// Where its tag begins in the text, if its markup can be copied as it stands.
    var sourceStart: Int?
    /// Its markup, written anew where it cannot.
    var markup: [UInt8] = []
    var depth = 1
    /// A tag has been written whose `>` is still missing.
    var isTagOpen = true
  }

  /// The parser's place in the text: behind the last attribute of a start tag, behind the `>` of an end tag.
  private var offset: Int {
    guard let input = parser.pointee.input else { return text.count }
    return min(Int(input.pointee.consumed) + (input.pointee.cur - input.pointee.base), text.count)
  }

  mutating func startNarrative(_ tag: XMLTag) {
    guard XMLTag.equals(tag.uri, "http://www.w3.org/1999/xhtml") else {
      reportNamespace(tag, "http://www.w3.org/1999/xhtml")
      return skip()
    }
    var narrative = Narrative()
    if tag.prefix == nil, tag.declaresDefault("http://www.w3.org/1999/xhtml") {
      // No attribute's value holds a `<`.
      narrative.sourceStart = text[..<offset].lastIndex(of: UInt8(ascii: "<"))
    }
    if narrative.sourceStart == nil { narrative.appendTag(tag, isRoot: true) }
    self.narrative = narrative
  }

  mutating func startNarrativeElement(_ tag: XMLTag) {
    guard XMLTag.equals(tag.uri, "http://www.w3.org/1999/xhtml") else {
      report("<\(XMLTag.string(tag.name))> within the narrative is not in the namespace http://www.w3.org/1999/xhtml.")
      return stop(nil)
    }
    guard let depth = narrative?.depth, depth < XMLForm.narrativeDepthMax else {
      return stop("The narrative's elements are nested too deeply: more than \(XMLForm.narrativeDepthMax).")
    }
    narrative?.depth += 1
    if narrative?.sourceStart == nil { narrative?.appendTag(tag, isRoot: false) }
  }

  mutating func endNarrativeElement(_ name: UnsafePointer<UInt8>) {
    if narrative?.sourceStart == nil { narrative?.appendEnd(name) }
    narrative?.depth -= 1
    guard let narrative, narrative.depth == 0 else { return }
    separateItem()
    if let start = narrative.sourceStart, start <= offset {
      JSONWriter.appendQuoted(UnsafeBufferPointer(rebasing: text[start..<offset]), to: &json)
    } else {
      narrative.markup.withUnsafeBufferPointer { JSONWriter.appendQuoted($0, to: &json) }
    }
    self.narrative = nil
  }

  mutating func narrativeText(_ text: UnsafeBufferPointer<UInt8>) {
    if narrative?.sourceStart == nil { narrative?.appendText(text) }
  }
}

extension JSONBuilder.Narrative {
  /// A start tag without prefix; the root's with the namespace. Declarations are left out: no name needs one.
  fileprivate mutating func appendTag(_ tag: XMLTag, isRoot: Bool) {
    if !isRoot { closeTag() }
    markup.append(UInt8(ascii: "<"))
    append(tag.name)
    if isRoot { markup.append(contentsOf: " xmlns=\"http://www.w3.org/1999/xhtml\"".utf8) }
    for index in 0..<tag.attributeCount {
      let attribute = tag.attribute(index)
      guard let name = attribute.name else { continue }
      markup.append(UInt8(ascii: " "))
      if let prefix = attribute.prefix {
        append(prefix)
        markup.append(UInt8(ascii: ":"))
      }
      append(name)
      markup.append(contentsOf: "=\"".utf8)
      XMLText.appendEscaped(attribute.value, to: &markup, isAttribute: true)
      markup.append(UInt8(ascii: "\""))
    }
    isTagOpen = true
  }

  fileprivate mutating func appendEnd(_ name: UnsafePointer<UInt8>) {
    if isTagOpen {
      markup.append(contentsOf: "/>".utf8)
      isTagOpen = false
      return
    }
    markup.append(contentsOf: "</".utf8)
    append(name)
    markup.append(UInt8(ascii: ">"))
  }

  fileprivate mutating func appendText(_ text: UnsafeBufferPointer<UInt8>) {
    closeTag()
    XMLText.appendEscaped(text, to: &markup, isAttribute: false)
  }

  private mutating func closeTag() {
    if isTagOpen { markup.append(UInt8(ascii: ">")) }
    isTagOpen = false
  }

  private mutating func append(_ name: UnsafePointer<UInt8>) {
    markup.append(contentsOf: UnsafeBufferPointer(start: name, count: Int(xmlStrlen(name))))
  }
}
