import ArgumentParser
import CPUEngine
import Datasets
import ErrataCore
import Experiments
import Foundation
import TensorEngine

struct DataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "data", abstract: "Look at an experiment's images.",
        subcommands: [InspectDataCommand.self, SubsetDataCommand.self])
}

struct InspectDataCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show an experiment's images: classes, counts, sizes, channel statistics; read each once.")

    @Argument(help: "The experiment, a YAML file.")
    var spec: String

    @Option(help: "A PNG file that is to show images of each class.")
    var grid: String?

    @OptionGroup var specOptions: SpecOptions

    /// The most classes that are listed or drawn.
    private static let shownClasses = 100

    func run(_ components: Components) throws {
        let experiment = try specOptions.experiment(spec, components)
        let data = try experiment.data()
        for notice in data.notices { try Console.line("note: \(notice)") }
        let parts = [("training", data.training), ("test", data.test)]
        try Console.table(
            [["", "images", "classes", "of a class", "kept as"]]
                + parts.map { name, part in
                    let counts = part.classCounts
                    return [
                        name, "\(part.count)", "\(counts.count { $0 > 0 }) of \(counts.count)",
                        "\(counts.min()!) to \(counts.max()!)", try keptAs(part),
                    ]
                }, indent: 0)
        let images = data.images
        try Console.line("given as \(images.height)×\(images.width)×\(images.channels)")
        let counts = parts.map(\.1.classCounts)
        try Console.table(
            [["class", "training", "test"]]
                + data.training.classNames.enumerated().prefix(Self.shownClasses).map { index, name in
                    [name, "\(counts[0][index])", "\(counts[1][index])"]
                })
        if data.training.classNames.count > Self.shownClasses {
            try Console.line("  … and \(data.training.classNames.count - Self.shownClasses) more")
        }
        try verify(parts)
        if let grid {
            try AtomicFile.write(sampleGrid(data.training), to: grid)
            try Console.line("wrote \(grid)")
        }
    }

    /// The sizes of pictures that are brought to the images' size.
    private func keptAs(_ part: any Dataset) throws -> String {
        guard let pictures = part as? PictureDataset else { return "\(part.height)×\(part.width)" }
        let sizes = (0..<pictures.count).compactMap { try? pictures.pictureSize($0) }
            .sorted { $0.height * $0.width < $1.height * $1.width }
        guard let first = sizes.first, let last = sizes.last else { return "unreadable" }
        let middle = sizes[sizes.count / 2]
        return
            "\(first.height)×\(first.width) to \(last.height)×\(last.width), in the middle \(middle.height)×\(middle.width)"
    }

    /// Reads every image; those that are broken are all named.
    private func verify(_ parts: [(String, any Dataset)]) throws {
        var broken = 0
        for (name, part) in parts {
            var sound = part
            if let pictures = part as? PictureDataset {
                let (rest, problems) = try pictures.withoutBrokenFiles()
                for problem in problems { try Console.line("broken: \(problem)") }
                broken += problems.count
                sound = rest
            }
            let statistics = try PixelNormalization(of: sound)
            func line(_ values: [Double]) -> String {
                "[\(values.map { String(format: "%.4f", $0) }.joined(separator: ", "))]"
            }
            try Console.line(
                "\(name): mean \(line(statistics.mean)), deviation \(line(statistics.deviation)); all \(sound.count) images "
                    + "can be read")
        }
        if broken > 0 {
            try Console.line(
                "\(broken) files are broken: get them anew, or set data.set.images.on_error=skip")
            throw ExitCode(1)
        }
    }

    /// Eight images of each class, a class a row.
    private func sampleGrid(_ part: any Dataset) throws -> [UInt8] {
        let columns = 8
        var members = [[Int]](repeating: [], count: min(part.classNames.count, Self.shownClasses))
        for (index, label) in part.labels.enumerated() where Int(label) < members.count {
            if members[Int(label)].count < columns { members[Int(label)].append(index) }
        }
        let blank = [Float](repeating: 1, count: part.imageByteCount)
        var values: [Float] = []
        for row in members {
            for index in row { values += try part.image(index).map { Float($0) / 127.5 - 1 } }
            for _ in row.count..<columns { values += blank }
        }
        let shape: Shape = [members.count * columns, part.height, part.width, part.channels]
        return try SampleGrid.png(
            CPUBackend(threads: 1).tensor(values, shape), columns: columns, scale: part.height < 64 ? 2 : 1)
    }
}

struct SubsetDataCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "subset",
        abstract:
            "Write a list of the same part of every class of an experiment's training images, for training_list or list."
    )

    @Argument(help: "The experiment, a YAML file, whose images are files.")
    var spec: String

    @Option(help: "The part of each class.")
    var fraction: Double

    @Option(help: "Decides which images.")
    var seed: UInt64 = 0

    @Option(name: .shortAndLong, help: "The CSV file to write.")
    var output: String

    @OptionGroup var specOptions: SpecOptions

    func validate() throws {
        guard fraction > 0 && fraction <= 1 else {
            throw ValidationError("--fraction \(fraction), expected one above 0 and at most 1")
        }
    }

    func run(_ components: Components) throws {
        let data = try specOptions.experiment(spec, components).data()
        guard let pictures = data.training as? PictureDataset else {
            throw DatasetError(
                data.training.name, "its images are no files of their own, expected a set of files")
        }
        let files = pictures.files
        let chosen = StratifiedChoice.choose(
            fraction, of: files.labels, classes: files.classNames.count,
            random: RandomStream(seed: seed, "subset")
        ).chosen
        try AtomicFile.write(Array(files.selecting(chosen).list.utf8), to: output)
        try Console.line("\(chosen.count) of \(files.count) images: \(output)")
    }
}
