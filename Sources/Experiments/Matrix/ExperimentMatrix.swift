import ErrataCore

/// The experiments that a file describes: one, or with a section `matrix` one for each combination of choices.
///
///     matrix:
///       axes:
///         search.batch_size: [32, 64]
///         seed: {from: 0, to: 9}
///       exclude: [{search.batch_size: 64, seed: 0}]
///       include: [{search.batch_size: 128, seed: [0, 1]}]
///       names: "{name}-{search.batch_size}-{seed}"
public struct ExperimentMatrix: Sendable {
    /// The last axis varies fastest; what is included comes last.
    public let trials: [Trial]
    /// Whether the file has a section `matrix`.
    public let isMatrix: Bool

    /// How many trials a matrix may have.
    package static let limit = 10_000

    /// - Parameters:
    ///   - path: a YAML file with those it extends.
    ///   - assignments: `key.path=value`, over files and choices. A setting that is an axis is varied no more, and
    ///     `AXIS=LABEL` chooses a variant.
    /// - Throws: `ConfigurationErrors` with all that is wrong in the matrix, where it stands.
    public init(file path: String, setting assignments: [String] = []) throws(ConfigurationErrors) {
        let file = try SpecOverlay.files(path)
        let overlay = try SpecOverlay.value(of: assignments)
        let section = overlay["matrix"].map { $0.merged(over: file["matrix"] ?? .null) } ?? file["matrix"]
        let base = file.removing(["matrix"])
        guard let section, section.content != .null else {
            isMatrix = false
            let settings = overlay.removing(["matrix"]).laid(over: base)
            trials = [Trial(name: settings["name"]?.text ?? "", choices: [], settings: settings)]
            return
        }
        isMatrix = true
        var decoder = ConfigurationDecoder()
        trials = decoder.within(key: "matrix") { decoder in
            var reader = MatrixReader(section, over: base, under: overlay.removing(["matrix"]), &decoder)
            return reader.trials(&decoder)
        }
        try decoder.finish()
    }

    /// Every trial's experiment, in the order of the trials.
    ///
    /// - Parameters:
    ///   - registry: what can be chosen.
    ///   - defaults: the components of a spec that names none.
    /// - Throws: `ConfigurationErrors` with everything that is wrong in any trial, once each.
    public func experiments(_ registry: PluginRegistry, _ defaults: ComponentDefaults)
        throws(ConfigurationErrors)
        -> [Experiment]
    {
        var errors: [ConfigurationError] = []
        var experiments: [Experiment] = []
        for trial in trials {
            do {
                experiments.append(try Experiment(trial.settings, registry: registry, defaults: defaults))
            } catch {
                errors += error.errors.filter { !errors.contains($0) }
            }
        }
        guard errors.isEmpty else { throw ConfigurationErrors(errors) }
        return experiments
    }
}

extension ConfigurationValue {
    /// This whole spec over another; where this says nothing, the other.
    func laid(over base: ConfigurationValue) -> ConfigurationValue {
        let isEmpty = content == .null || entries?.isEmpty == true
        return isEmpty ? base : merged(over: base, isRoot: true)
    }
}

/// Reads a section `matrix`.
private struct MatrixReader {
    private let section: ConfigurationValue
    private let base: ConfigurationValue
    private var overlay: ConfigurationValue
    /// As the file has them, and as the command line leaves them.
    private var declared: [MatrixAxis] = []
    private var axes: [MatrixAxis] = []
    private var names: NameTemplate?

    private typealias Combination = [(axis: MatrixAxis, choice: MatrixAxis.Choice)]

    init(
        _ section: ConfigurationValue, over base: ConfigurationValue, under overlay: ConfigurationValue,
        _ decoder: inout ConfigurationDecoder
    ) {
        (self.section, self.base, self.overlay) = (section, base, overlay)
        guard let entries = section.entries else {
            decoder.fail(expected: "a mapping with axes, exclude, include or names", found: section)
            return
        }
        let keys = ["axes", "exclude", "include", "names"]
        for entry in entries where !keys.contains(entry.key) {
            let meant = suggestion(for: entry.key, among: keys).map { ", did you mean '\($0)'?" } ?? ""
            decoder.within(key: entry.key) {
                $0.fail(
                    "unknown key\(meant) (the keys are \(keys.joined(separator: ", ")))", at: entry.location)
            }
        }
        readAxes(&decoder)
    }

    private mutating func readAxes(_ decoder: inout ConfigurationDecoder) {
        guard let value = section["axes"] else { return }
        decoder.within(key: "axes") { decoder in
            guard let entries = value.entries else {
                return decoder.fail(expected: "a mapping of axes", found: value)
            }
            for entry in entries where entry.value.content != .null {
                decoder.within(key: entry.key) { decoder in
                    if let axis = MatrixAxis(entry, &decoder) { declared.append(axis) }
                }
            }
        }
        axes = declared.map { axis in
            guard let path = SettingPath(axis.key), let value = overlay[path] else { return axis }
            if axis.isVariants { overlay = overlay.removing(path.keys[...]) }
            return decoder.within(path: "matrix.axes.\(axis.key)") { axis.narrowed(to: value, &$0) }
        }
    }

    mutating func trials(_ decoder: inout ConfigurationDecoder) -> [Trial] {
        names = template(section["names"], &decoder)
        let count = axes.reduce(1) { $0 > ExperimentMatrix.limit ? $0 : $0 * $1.choices.count }
        guard count <= ExperimentMatrix.limit else {
            decoder.fail("more than \(ExperimentMatrix.limit) trials", at: section.location)
            return []
        }
        var combinations: [Combination] = axes.isEmpty ? [] : [[]]
        for axis in axes {
            combinations = combinations.flatMap { combination in
                axis.choices.map { combination + [(axis, $0)] }
            }
        }
        exclude(from: &combinations, &decoder)
        var trials = combinations.map { trial($0, names, &decoder) }
        trials += included(&decoder)
        if trials.isEmpty, decoder.errors.isEmpty {
            decoder.fail("there is no trial: give axes, or include some", at: section.location)
        }
        requireDifferentNames(trials, &decoder)
        return trials
    }

    // MARK: Exclude

    private func exclude(from combinations: inout [Combination], _ decoder: inout ConfigurationDecoder) {
        list("exclude", &decoder) { entry, decoder in
            var patterns: [(axis: String, labels: [String])] = []
            for part in entry.entries ?? [] {
                decoder.within(key: part.key) { decoder in
                    guard let axis = axis(part, &decoder) else { return }
                    let isNarrowed = axes.contains {
                        $0.key == axis.key && $0.choices.count < axis.choices.count
                    }
                    let values =
                        if case .sequence(let list) = part.value.content { list } else { [part.value] }
                    var ignored = decoder
                    let labels = values.compactMap { axis.choice(labelled: $0, &ignored)?.label }
                    // What the command line sets may be none of the file's choices.
                    if !isNarrowed { decoder = ignored }
                    patterns.append((axis.key, labels))
                }
            }
            guard !patterns.isEmpty else {
                if decoder.errors.isEmpty { decoder.fail("it names no axis", at: entry.location) }
                return
            }
            combinations.removeAll { combination in
                patterns.allSatisfy { pattern in
                    combination.contains { part in
                        part.axis.key == pattern.axis
                            && pattern.labels.contains { MatrixAxis.isSame($0, part.choice.label) }
                    }
                }
            }
        }
    }

    private func axis(_ entry: ConfigurationValue.Entry, _ decoder: inout ConfigurationDecoder) -> MatrixAxis?
    {
        if let axis = declared.first(where: { $0.key == entry.key }) { return axis }
        let keys = declared.map(\.key)
        let meant = suggestion(for: entry.key, among: keys).map { ", did you mean '\($0)'?" } ?? ""
        decoder.fail(
            "no such axis\(meant) (the axes are \(keys.joined(separator: ", ")))", at: entry.location)
        return nil
    }

    // MARK: Include

    /// Trials beside those of the axes: an entry for an axis chooses there, of several if it is a list; any other
    /// entry is a setting.
    private func included(_ decoder: inout ConfigurationDecoder) -> [Trial] {
        var trials: [Trial] = []
        list("include", &decoder) { entry, decoder in
            var combinations: [Combination] = [[]]
            var settings = ConfigurationValue.mapping([])
            for part in entry.entries ?? [] where part.key != "names" {
                decoder.within(key: part.key) { decoder in
                    guard let axis = declared.first(where: { $0.key == part.key }) else {
                        guard let path = SettingPath(part.key) else {
                            return decoder.fail(
                                "expected an axis or the path of a setting", at: part.location)
                        }
                        settings = path.nesting(part.value, at: part.location).merged(
                            over: settings, isRoot: true)
                        return
                    }
                    guard let choices = axis.choices(named: part.value, &decoder) else { return }
                    combinations = combinations.flatMap { combination in
                        choices.map { combination + [(axis, $0)] }
                    }
                }
            }
            let names = entry["names"].map { template($0, &decoder) } ?? names
            for combination in combinations {
                trials.append(trial(combination, names, with: settings, at: entry.location, &decoder))
            }
        }
        return trials
    }

    // MARK: Trials

    private func trial(
        _ combination: Combination, _ names: NameTemplate?, with settings: ConfigurationValue = .mapping([]),
        at location: ConfigurationValue.Location? = nil, _ decoder: inout ConfigurationDecoder
    ) -> Trial {
        let chosen = combination.reduce(base) { $1.choice.settings.laid(over: $0) }
        var result = overlay.laid(over: settings.laid(over: chosen))
        let choices = combination.map { Trial.Choice(axis: $0.axis.key, label: $0.choice.label) }
        var values = ["name": result["name"]?.text ?? "experiment"]
        for choice in choices { values[choice.axis] = choice.label }
        let name: String
        do {
            name = try (names ?? .standard(for: combination.map { ($0.axis.key, $0.axis.isVariants) })).text(
                values)
        } catch {
            name = ""
            decoder.fail("\(error)", at: location ?? names?.location ?? section.location)
        }
        let named = ConfigurationValue.mapping([.init("name", .string(name), at: section.location)])
        result = named.laid(over: result)
        return Trial(name: name, choices: choices, settings: result)
    }

    private func requireDifferentNames(_ trials: [Trial], _ decoder: inout ConfigurationDecoder) {
        var known: Set<String> = []
        for trial in trials where !trial.name.isEmpty && !known.insert(trial.name).inserted {
            return decoder.fail(
                "two trials are called \(trial.name.quotedForMessage): let names tell all axes",
                at: section["names"]?.location ?? section.location)
        }
    }

    private func template(_ value: ConfigurationValue?, _ decoder: inout ConfigurationDecoder)
        -> NameTemplate?
    {
        guard let value, value.content != .null else { return nil }
        return decoder.within(key: "names") { decoder in
            NameTemplate(value, known: ["name"] + declared.map(\.key), &decoder)
        }
    }

    /// Reads a list of mappings, one after the other.
    private func list(
        _ key: String, _ decoder: inout ConfigurationDecoder,
        _ body: (ConfigurationValue, inout ConfigurationDecoder) -> Void
    ) {
        guard let value = section[key], value.content != .null else { return }
        decoder.within(key: key) { decoder in
            guard case .sequence(let elements) = value.content else {
                return decoder.fail(expected: "a list of mappings", found: value)
            }
            for (index, element) in elements.enumerated() {
                decoder.within(index: index) { decoder in
                    guard element.entries != nil else {
                        return decoder.fail(expected: "a mapping", found: element)
                    }
                    body(element, &decoder)
                }
            }
        }
    }
}
