import ErrataCore

/// Builds the tree of a document's values from the parser's events.
struct YAMLComposer {
    private let events: YAMLEvents
    private var anchors: [String: Anchored] = [:]
    private var values = 0

    /// A value that aliases may repeat.
    private struct Anchored {
        var value: ConfigurationValue
        /// How many values it is, itself included.
        var size: Int
        /// How many levels it has; 1 for a scalar.
        var height: Int
    }

    init(_ events: YAMLEvents) { self.events = events }

    mutating func document() throws(ConfigurationErrors) -> ConfigurationValue {
        _ = try events.next()
        guard try events.next().kind == .documentStart else {
            return ConfigurationValue(.null, at: events.start)
        }
        let root = try value(try events.next(), depth: 1).value
        _ = try events.next()
        let end = try events.next()
        guard end.kind == .streamEnd else {
            throw ConfigurationErrors("a second document begins here, expected one", at: end.location)
        }
        return root
    }

    /// The value that an event begins.
    private mutating func value(_ event: YAMLEvent, depth: Int) throws(ConfigurationErrors) -> Anchored {
        try checkDepth(depth, event)
        values += 1
        try checkSize(event)
        var result: Anchored
        switch event.kind {
        case .alias(let name):
            guard let anchored = anchors[name] else {
                throw ConfigurationErrors("no anchor is called '\(name)' before here", at: event.location)
            }
            try checkDepth(depth + anchored.height - 1, event)
            values += anchored.size - 1
            try checkSize(event)
            return anchored
        case .scalar(let text, let plain):
            let content = try scalar(text, plain: plain, event)
            result = Anchored(value: .init(content, at: event.location), size: 1, height: 1)
        case .sequenceStart:
            try check(tag: "seq", event)
            result = try sequence(event, depth: depth)
        case .mappingStart:
            try check(tag: "map", event)
            result = try mapping(event, depth: depth)
        case .streamStart, .streamEnd, .documentStart, .documentEnd, .sequenceEnd, .mappingEnd:
            preconditionFailure("libyaml: \(event.kind) where a value begins")
        }
        if let name = event.anchor { anchors[name] = result }
        return result
    }

    private mutating func sequence(_ start: YAMLEvent, depth: Int) throws(ConfigurationErrors) -> Anchored {
        var elements: [ConfigurationValue] = []
        var (size, height) = (1, 1)
        while true {
            let event = try events.next()
            if event.kind == .sequenceEnd { break }
            let element = try value(event, depth: depth + 1)
            elements.append(element.value)
            size += element.size
            height = max(height, 1 + element.height)
        }
        return Anchored(value: .init(.sequence(elements), at: start.location), size: size, height: height)
    }

    private mutating func mapping(_ start: YAMLEvent, depth: Int) throws(ConfigurationErrors) -> Anchored {
        var entries: [ConfigurationValue.Entry] = []
        var merged: [ConfigurationValue.Entry] = []
        var known: [String: ConfigurationValue.Location] = [:]
        var (size, height) = (1, 1)
        while true {
            let event = try events.next()
            if event.kind == .mappingEnd { break }
            let key = try key(event)
            if let first = known.updateValue(event.location, forKey: key) {
                throw ConfigurationErrors(
                    "the key \(key.quotedForMessage) was given before, at \(first)", at: event.location)
            }
            let element = try value(try events.next(), depth: depth + 1)
            if event.kind == .scalar("<<", plain: true) {
                merged = try mergedEntries(element.value, at: event.location)
            } else {
                entries.append(.init(key, element.value, at: event.location))
            }
            size += element.size
            height = max(height, 1 + element.height)
        }
        for entry in merged where known.updateValue(entry.location, forKey: entry.key) == nil {
            entries.append(entry)
        }
        return Anchored(value: .init(.mapping(entries), at: start.location), size: size, height: height)
    }

    /// What a merge key adds where the mapping does not say otherwise: the entries of a mapping, or of a list of
    /// them, earlier ones before later ones (yaml.org/type/merge.html).
    private func mergedEntries(_ value: ConfigurationValue, at location: ConfigurationValue.Location)
        throws(ConfigurationErrors) -> [ConfigurationValue.Entry]
    {
        let mappings = if case .sequence(let list) = value.content { list } else { [value] }
        var result: [ConfigurationValue.Entry] = []
        for mapping in mappings {
            guard let entries = mapping.entries else {
                throw ConfigurationErrors(
                    "<<: expected a mapping or a list of mappings, found \(mapping.summary)",
                    at: location)
            }
            result += entries
        }
        return result
    }

    private func key(_ event: YAMLEvent) throws(ConfigurationErrors) -> String {
        guard case .scalar(let text, let plain) = event.kind,
            case .scalar(let key, _) = try scalar(text, plain: plain, event)
        else { throw ConfigurationErrors("expected a key, which must be a text", at: event.location) }
        return key
    }

    private func scalar(_ text: String, plain: Bool, _ event: YAMLEvent) throws(ConfigurationErrors)
        -> ConfigurationValue.Content
    {
        if text.utf8.contains(0) {
            throw ConfigurationErrors("a text has a NUL character", at: event.location)
        }
        let isNull = ["", "~", "null", "Null", "NULL"].contains(text)
        switch event.tag {
        case nil: return plain && isNull ? .null : .scalar(text, quoted: !plain)
        case "tag:yaml.org,2002:str": return .scalar(text, quoted: true)
        case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float", "tag:yaml.org,2002:bool":
            return .scalar(text, quoted: false)
        case "tag:yaml.org,2002:null" where isNull: return .null
        case .some(let tag): throw refusal(of: tag, event)
        }
    }

    private func check(tag name: String, _ event: YAMLEvent) throws(ConfigurationErrors) {
        if let tag = event.tag, tag != "tag:yaml.org,2002:\(name)" { throw refusal(of: tag, event) }
    }

    private func refusal(of tag: String, _ event: YAMLEvent) -> ConfigurationErrors {
        ConfigurationErrors("the tag \(tag.quotedForMessage) has no place here", at: event.location)
    }

    private func checkDepth(_ depth: Int, _ event: YAMLEvent) throws(ConfigurationErrors) {
        guard depth <= YAMLReader.depthLimit else {
            throw ConfigurationErrors(
                "nested in more than \(YAMLReader.depthLimit) levels", at: event.location)
        }
    }

    private func checkSize(_ event: YAMLEvent) throws(ConfigurationErrors) {
        guard values <= YAMLReader.valueLimit else {
            throw ConfigurationErrors(
                "more than \(YAMLReader.valueLimit) values, those that aliases repeat included",
                at: event.location)
        }
    }
}
