// Tag, VR and length (PS3.5 §7.1.2 and §7.1.3), also where the encoding changes without a word.

extension DataSetParser {
  /// The header at `position`, of which eight bytes are there. Nil if it is none, or (`needsMoreBytes`) if more bytes
  /// are needed to tell.
  mutating func elementHeader(_ tag: Tag, _ top: Int) throws(DICOMError) -> Header? {
    let isBigEndian = frames[top].isBigEndian
    let vr = VR(byte(position + 4), byte(position + 5))
    if frames[top].isImplicit {
      let header = Header(
        tag: tag, vr: nil, length: uint32(position + 4, isBigEndian), size: 8, isImplicit: true)
      guard let vr, let explicit = explicitHeader(tag, vr, isBigEndian) else { return header }
      guard let isExplicit = isExplicit(explicit, header, top) else {
        needsMoreBytes = true
        return nil
      }
      guard isExplicit else { return header }
      tolerances.note(.explicitElement, tag: tag, at: position)
      if !frames[top].hasElements { frames[top].isImplicit = false }
      return explicit
    }
    guard let vr else { return headerWithoutVR(tag, top) }
    guard let header = explicitHeader(tag, vr, isBigEndian) else {
      needsMoreBytes = !isComplete
      return nil
    }
    return header
  }

  private func explicitHeader(_ tag: Tag, _ vr: VR, _ isBigEndian: Bool) -> Header? {
    guard vr.hasLongLength else {
      return Header(
        tag: tag, vr: vr, length: UInt32(uint16(position + 6, isBigEndian)), size: 8, isImplicit: false)
    }
    guard has(12) else { return nil }
    return Header(tag: tag, vr: vr, length: uint32(position + 8, isBigEndian), size: 12, isImplicit: false)
  }

  /// In an implicit data set: whether two letters in the place of the length are a VR after all. Nil if more bytes are
  /// needed to tell.
  private func isExplicit(_ explicit: Header, _ implicit: Header, _ top: Int) -> Bool? {
    if explicit.size == 12, uint16(position + 6, false) != 0 { return false }
    if let vr = explicit.vr, DataDictionary.standard.vr(explicit.tag) == .one(vr) { return true }
    if position + 8 + Int(implicit.length) > frames[top].end { return true }
    // Letters are a length of 16,705 bytes or more: what is right behind an explicit value tells them apart.
    let sight = look(implicit, top)
    switch look(explicit, top) {
    case .cut: return nil
    case .fits: return sight == .cut ? nil : sight != .fits
    case .far: return sight == .cut ? nil : sight == .fails
    case .fails: return isComplete && position + 8 + Int(implicit.length) > end
    }
  }

  /// In an explicit data set, where there is no VR: letters that are none, or an implicit data element.
  private mutating func headerWithoutVR(_ tag: Tag, _ top: Int) -> Header? {
    let isBigEndian = frames[top].isBigEndian
    let first = byte(position + 4)
    let second = byte(position + 5)
    let short = Header(
      tag: tag, vr: .UN, length: UInt32(uint16(position + 6, isBigEndian)), size: 8, isImplicit: false,
      isUnknownVR: true)
    let implicit = Header(tag: tag, vr: nil, length: uint32(position + 4, isBigEndian), size: 8, isImplicit: true)
    var long: Header?
    if uint16(position + 6, false) == 0 {
      guard has(12) || isComplete else {
        needsMoreBytes = true
        return nil
      }
      if has(12) {
        long = Header(
          tag: tag, vr: .UN, length: uint32(position + 8, isBigEndian), size: 12, isImplicit: false, isUnknownVR: true)
      }
    }
    // PS3.5 6.2: future VRs have the long form; letters decide which readings are tried first.
    let isLetters = Self.isLetter(first) && Self.isLetter(second)
    let candidates = isLetters ? [long, short] : [implicit, short, long]
    var far: Header?
    for case let candidate? in candidates {
      switch look(candidate, top) {
      case .fits: return accepted(candidate, top)
      case .far: far = far ?? candidate
      case .cut:
        needsMoreBytes = true
        return nil
      case .fails: break
      }
    }
    return far.map { accepted($0, top) }
  }

  private mutating func accepted(_ header: Header, _ top: Int) -> Header {
    tolerances.note(header.isImplicit ? .implicitElement : .unknownVR, tag: header.tag, at: position)
    if header.isImplicit, !frames[top].hasElements, top > 0 { frames[top].isImplicit = true }
    return header
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    byte &- 65 < 26 || byte == UInt8(ascii: "?")
  }

  /// What is found where a reading of a header leads to.
  private enum Sight {
    /// Something that may follow.
    case fits
    case fails
    /// It is too far away to be looked at. Whether the bytes reach so far a stream does not know, so it is not asked
    /// of a whole file either, but for its very end.
    case far
    /// The bytes are not there yet.
    case cut
  }

  private func look(_ header: Header, _ top: Int) -> Sight {
    if header.length == Self.undefined {
      guard position + header.size + 4 <= end else { return isComplete ? .fails : .cut }
      let next = tag(position + header.size, frames[top].isBigEndian)
      return next == .item || next == .sequenceDelimitationItem ? .fits : .fails
    }
    let valueEnd = position + header.size + Int(header.length)
    if valueEnd > frames[top].end { return .fails }
    if valueEnd == frames[top].end { return .fits }
    if valueEnd - position > Self.sightMax { return isComplete && valueEnd > end ? .fails : .far }
    return looksLikeElement(at: valueEnd, after: header.tag, in: frames[top]).map { $0 ? .fits : .fails } ?? .cut
  }

  /// How far ahead a header is checked by what follows its value: a little more than a short length can say.
  private static let sightMax = 70_000

  /// Whether a data element, a delimiter or the end is at `offset`; nil if more bytes are needed to tell. Far away
  /// it is taken to be so unless the bytes are known to end before.
  func looksLikeElement(at offset: Int, after previous: Tag, in frame: Frame) -> Bool? {
    if offset == frame.end || isComplete && offset == end { return true }
    guard offset + 8 <= end else {
      if isComplete { return false }
      return offset - position > Self.sightMax ? true : nil
    }
    let next = tag(offset, frame.isBigEndian)
    if next.group == 0xFFFE || next.rawValue == 0 { return true }
    guard next >= previous, next.group &- previous.group < 0x4000 || previous.rawValue == 0 || next.group >= 0x7F00
    else { return false }
    return VR(byte(offset + 4), byte(offset + 5)) != nil || frame.isImplicit
      || DataDictionary.standard.vr(next) != .none || next.isPrivate
  }
}
