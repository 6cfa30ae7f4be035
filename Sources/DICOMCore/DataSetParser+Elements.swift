// Data elements, items and fragments: PS3.5 §7.1 to §7.5 and A.4, and what is met instead.

extension DataSetParser {
  /// Private blocks of one data set that are looked up; real ones have a few dozen at most.
  static let creatorsMax = 256

  /// Tag, VR and length of a data element.
  struct Header {
    var tag: Tag
    /// Nil if the encoding does not tell it.
    var vr: VR?
    var length: UInt32
    var size: Int
    var isImplicit: Bool
    var isUnknownVR = false
  }

  // MARK: A data element

  /// Reads one data element; false if the bytes do not suffice.
  mutating func parseElement() throws(DICOMError) -> Bool {
    // The longest header has twelve bytes; only at the very end fewer can be one.
    guard has(isComplete ? 8 : 12) else { return false }
    let top = frames.count - 1
    let tag = tag(position, frames[top].isBigEndian)
    if let onlyGroup, tag.group != onlyGroup {
      stop()
      return true
    }
    if tag.group == 0xFFFE { return parseDelimiter(tag) }
    if tag.rawValue == 0, uint32(position + 4, false) == 0 {
      endOfElements()
      return true
    }
    guard let header = try elementHeader(tag, top) else {
      // Either more bytes are needed, or this is no data element.
      if needsMoreBytes {
        needsMoreBytes = false
        return false
      }
      guard records.count > 1 else { throw DICOMError(.notDICOM, at: position) }
      endOfElements()
      return true
    }
    return try parseValue(header, top)
  }

  /// What follows in the innermost item or data set is no data element: passes over the item, or ends all.
  private mutating func endOfElements() {
    tolerances.note(.trailingBytes, at: position)
    if let top = frames.last, top.end != .max {
      position = top.end
    } else {
      stop()
    }
  }

  private mutating func parseValue(_ header: Header, _ top: Int) throws(DICOMError) -> Bool {
    let valueStart = position + header.size
    var record = DataSetTape.Record(
      tag: header.tag, code: 0, header: UInt8(header.size), flags: [], offset: valueStart, length: 0,
      next: UInt32(truncatingIfNeeded: records.count + 1), parent: UInt32(truncatingIfNeeded: frames[top].record))
    if frames[top].isBigEndian { record.flags.insert(.bigEndian) }
    if header.isImplicit { record.flags.insert(.implicit) }
    if header.isUnknownVR { record.flags.insert(.unknownVR) }
    var isUndecided = false
    let vr = resolveVR(header, top, &record, &isUndecided)
    record.code = vr.rawValue
    if header.length == Self.undefined {
      noteOrder(header.tag, top)
      return try openUndefined(record, vr, top)
    }
    guard let isSequence = holdsItems(header, vr, valueStart, top) else { return false }
    if isSequence {
      noteOrder(header.tag, top)
      return try openSequence(record, length: Int(header.length))
    }
    return try parseLeaf(&record, header, vr == .SQ ? .UN : vr, top, isUndecided)
  }

  private mutating func parseLeaf(
    _ record: inout DataSetTape.Record, _ header: Header, _ vr: VR, _ top: Int, _ isUndecided: Bool
  ) throws(DICOMError) -> Bool {
    let valueStart = record.offset
    let tag = header.tag
    record.code = vr.rawValue
    let isStructural = tag == .specificCharacterSet || tag == .pixelRepresentation || tag.isPrivateCreator
    if isStructural, !isComplete, header.length < 4096, Int(header.length) > end - valueStart { return false }
    let valueEnd = reach(valueStart + Int(header.length), tag: tag)
    var length = max(0, valueEnd - valueStart)
    if isComplete, valueEnd > end {
      tolerances.note(.truncatedValue, tag: tag, at: valueStart)
      length = max(0, end - valueStart)
    }
    if !vr.isBinary, length > limits.textBytesMax { throw DICOMError(.valueTooLarge, tag: tag, at: valueStart) }
    if length & 1 != 0 { tolerances.note(.oddLength, tag: tag, at: valueStart) }
    record.length = length
    noteOrder(tag, top)
    let number = records.count
    try append(record)
    if isUndecided { frames[top].undecided.append(number) }
    if isStructural, length < 4096, valueStart + length <= end {
      noteStructure(tag, bytes(valueStart, length), record, top)
    }
    position = valueStart + length
    return true
  }

  /// What later elements are read by: character set, signedness of pixels, private blocks.
  private mutating func noteStructure(
    _ tag: Tag, _ value: UnsafeRawBufferPointer, _ record: DataSetTape.Record, _ top: Int
  ) {
    if tag == .specificCharacterSet {
      noteCharacterSet(value, at: record.offset, in: top)
    } else if tag == .pixelRepresentation {
      if value.count >= 2 { frames[top].pixelRepresentation = UInt8(truncatingIfNeeded: value[0] | value[1]) & 1 }
    } else {
      guard frames[top].creators.count < Self.creatorsMax else { return }
      frames[top].creators.append((tag, PrivateDictionary.standard.number(creator: Array(value.trimmedRight)[...])))
    }
  }

  private mutating func noteOrder(_ tag: Tag, _ top: Int) {
    let last = frames[top].lastTag
    if tag.rawValue > last || !frames[top].hasElements {
      frames[top].lastTag = tag.rawValue
    } else {
      tolerances.note(tag.rawValue == last ? .duplicateElement : .unorderedElements, tag: tag, at: position)
      update(frames[top].record) { $0.flags.insert(.unordered) }
    }
    frames[top].hasElements = true
    if tag.group == 0xFFFF || tag.group & 1 != 0 && (tag.group < 8 || tag.element > 0 && tag.element < 0x10) {
      tolerances.note(.illegalGroup, tag: tag, at: position)
    }
  }

  // MARK: The VR

  /// The VR a value is read by: as encoded, or by the dictionaries where the encoding does not tell.
  private mutating func resolveVR(
    _ header: Header, _ top: Int, _ record: inout DataSetTape.Record, _ isUndecided: inout Bool
  ) -> VR {
    if let vr = header.vr, vr != .UN { return vr }
    let known = dictionaryVR(header.tag, top)
    // PS3.5 6.2.2: a value with VR UN is encoded as in implicit little endian.
    if header.vr == .UN {
      record.flags.insert(.encodedUN)
      if !header.isUnknownVR { record.flags.remove(.bigEndian) }
      if header.length == Self.undefined { return .UN }
      if known != .none { tolerances.note(.unknownValueRepresentation, tag: header.tag, at: position) }
    }
    switch known {
    case .one(let vr): return vr
    case .usOrSS:
      isUndecided = true
      return .US
    // PS3.5 A.1: in implicit little endian all of these are OW.
    case .obOrOW, .usOrOW, .usOrSSOrOW: return .OW
    case .none: return .UN
    }
  }

  private mutating func dictionaryVR(_ tag: Tag, _ top: Int) -> DictionaryVR {
    if tag.isGroupLength { return .one(.UL) }
    guard tag.isPrivate else { return DataDictionary.standard.vr(tag) }
    if tag.isPrivateCreator { return .one(.LO) }
    guard let creatorTag = tag.privateCreatorTag else { return .none }
    guard let creator = frames[top].creators.last(where: { $0.tag == creatorTag }) else {
      tolerances.note(.privateElementWithoutCreator, tag: tag, at: position)
      return .none
    }
    return creator.number.map { PrivateDictionary.standard.vr(tag, creator: $0) } ?? .none
  }

  // MARK: Sequences

  /// Whether a value of defined length is a list of items; nil if more bytes are needed to tell.
  private mutating func holdsItems(_ header: Header, _ vr: VR, _ valueStart: Int, _ top: Int) -> Bool? {
    // An explicit SQ is one. What we only conclude from the tag or from nothing must begin with an item.
    if header.vr == .SQ || vr == .SQ && header.length == 0 { return true }
    let isPossible = vr == .SQ || header.vr == nil && vr == .UN && header.tag.isPrivate
    guard isPossible, header.length >= 8 else { return false }
    guard valueStart + 8 <= end else { return isComplete ? false : nil }
    let isBigEndian = frames[top].isBigEndian && header.vr != .UN
    let first = tag(valueStart, isBigEndian)
    let length = uint32(valueStart + 4, isBigEndian)
    if vr == .SQ, first == .sequenceDelimitationItem || first.rawValue == 0xFEFF_00E0 { return true }
    return first == .item && (length == Self.undefined || UInt64(length) + 8 <= UInt64(header.length))
  }

  private mutating func openSequence(_ record: DataSetTape.Record, length: Int) throws(DICOMError) -> Bool {
    var record = record
    record.flags.insert(.sequence)
    record.code = VR.SQ.rawValue
    let sequenceEnd = reach(record.offset + length, tag: record.tag)
    let number = records.count
    try append(record)
    if length > 0 { pushContainer(.sequence, record, number, end: sequenceEnd) }
    position = record.offset
    return true
  }

  /// A value of undefined length: a sequence, or fragments (PS3.5 §7.5.1, A.4).
  private mutating func openUndefined(_ record: DataSetTape.Record, _ vr: VR, _ top: Int) throws(DICOMError) -> Bool {
    var record = record
    record.flags.insert(.undefinedLength)
    let number = records.count
    if vr.isBinary && vr != .UN || record.tag == .pixelData {
      record.flags.insert(.fragments)
      record.code = vr == .UN || record.flags.contains(.implicit) ? VR.OB.rawValue : vr.rawValue
      try append(record)
      pushContainer(.fragments, record, number, end: .max)
    } else {
      if vr != .SQ && vr != .UN { tolerances.note(.undefinedLength, tag: record.tag, at: record.offset) }
      record.flags.insert(.sequence)
      record.code = VR.SQ.rawValue
      try append(record)
      pushContainer(.sequence, record, number, end: .max)
    }
    position = record.offset
    return true
  }

  private mutating func pushContainer(_ kind: FrameKind, _ record: DataSetTape.Record, _ number: Int, end: Int) {
    let outer = frames[frames.count - 1]
    // PS3.5 6.2.2 note 4: the items in a UN are implicit little endian.
    let isUN = record.flags.contains(.encodedUN)
    var frame = Frame(
      kind: kind, record: number, end: end, isImplicit: outer.isImplicit || isUN || record.flags.contains(.implicit),
      isBigEndian: outer.isBigEndian && !isUN)
    frame.characterSet = outer.characterSet
    frames.append(frame)
  }

  /// Reads an item's tag in a sequence, or the sequence's end.
  mutating func parseItem() throws(DICOMError) -> Bool {
    guard has(8), let top = frames.last else { return false }
    var isBigEndian = top.isBigEndian
    var tag = tag(position, isBigEndian)
    if tag.rawValue == 0xFEFF_00E0 || tag.rawValue == 0xFEFF_DDE0 || tag.rawValue == 0xFEFF_0DE0 {
      tolerances.note(.swappedItemTag, tag: records[top.record].tag, at: position)
      isBigEndian.toggle()
      tag = self.tag(position, isBigEndian)
    }
    let length = uint32(position + 4, isBigEndian)
    switch tag {
    case .item:
      try openItem(header: 8, length: length, isBigEndian: isBigEndian, parent: top)
    case .sequenceDelimitationItem:
      noteDelimiter(length, isStray: top.end != .max)
      if top.end == .max { closeFrame(at: position) }
      passDelimiter()
    case .itemDelimitationItem:
      noteDelimiter(length, isStray: true)
      position += 8
    default:
      if top.end == .max {
        tolerances.note(.missingDelimiter, tag: records[top.record].tag, at: position)
        closeFrame(at: position)
      } else {
        tolerances.note(.missingItem, tag: records[top.record].tag, at: position)
        position = top.end
      }
    }
    return true
  }

  /// An item tag or delimiter where a data element may be.
  private mutating func parseDelimiter(_ tag: Tag) -> Bool {
    guard let top = frames.last else { return true }
    let length = uint32(position + 4, top.isBigEndian)
    if top.record == 0 {
      noteDelimiter(length, isStray: true)
      position += 8
    } else if tag == .itemDelimitationItem {
      noteDelimiter(length, isStray: top.end != .max)
      closeFrame(at: position)
      passDelimiter()
    } else {
      // The item's delimiter is missing: the next item, or the end of the sequence.
      tolerances.note(.missingDelimiter, tag: .item, at: position)
      closeFrame(at: position)
    }
    return true
  }

  /// Goes behind a delimiter, which may have been forgotten in the length of what is around it.
  private mutating func passDelimiter() {
    position += 8
    if let outer = frames.last, position > outer.end {
      tolerances.note(.valueBeyondItem, tag: records[outer.record].tag, at: position)
    }
  }

  private mutating func noteDelimiter(_ length: UInt32, isStray: Bool) {
    if isStray { tolerances.note(.strayDelimiter, at: position) }
    if length != 0 { tolerances.note(.delimiterLength, at: position) }
  }

  /// Reads a fragment's place (PS3.5 A.4), or the end of the fragments.
  mutating func parseFragment() throws(DICOMError) -> Bool {
    guard has(8), let top = frames.last else { return false }
    let tag = tag(position, top.isBigEndian)
    let length = uint32(position + 4, top.isBigEndian)
    if tag == .item, length != Self.undefined {
      let start = position + 8
      var count = Int(length)
      if isComplete, count > end - start {
        tolerances.note(.truncatedValue, tag: records[top.record].tag, at: start)
        count = max(0, end - start)
      }
      let number = UInt32(truncatingIfNeeded: records.count)
      try append(
        DataSetTape.Record(
          tag: .item, code: VR.OB.rawValue, header: 8, flags: .fragment, offset: start, length: count, next: number + 1,
          parent: UInt32(truncatingIfNeeded: top.record)))
      position = start + count
      return true
    }
    if tag == .sequenceDelimitationItem {
      noteDelimiter(length, isStray: false)
      closeFrame(at: position)
      position += 8
    } else {
      tolerances.note(.missingDelimiter, tag: records[top.record].tag, at: position)
      closeFrame(at: position)
    }
    return true
  }
}
