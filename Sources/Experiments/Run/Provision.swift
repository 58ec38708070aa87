import Datasets
import ErrataCore

/// A part of the images, as a run uses it: what is wrong with it, or remarkable, is said in the settings' names.
struct Provision {
    /// `D_tr`, `D_val`, `the training images`.
    let name: String
    let images: any Dataset
    /// The settings that decide how many images there are.
    let settings: String

    /// - Throws: `RunError` if a batch has more images than there are.
    func requireBatch(of size: Int, _ setting: String) throws {
        guard images.count >= size else {
            throw RunError(
                "\(name) has \(images.count) images, and a batch \(size): lower \(setting), or change \(settings)"
            )
        }
    }

    /// The classes that no image is of, as a line; `nil` if there is none.
    var absentClasses: String? {
        var counts = [Int](repeating: 0, count: images.classNames.count)
        for label in images.labels { counts[Int(label)] += 1 }
        let absent = counts.indices.filter { counts[$0] == 0 }.map { images.classNames[$0].quotedForMessage }
        guard !absent.isEmpty else { return nil }
        let shown = absent.prefix(10).joined(separator: ", ") + (absent.count > 10 ? ", …" : "")
        return
            "\(name) has no image of \(absent.count) of \(counts.count) classes: \(shown). What is said of "
            + "\(absent.count == 1 ? "it" : "them") is empty; \(settings) decides which images there are"
    }

    /// What is to be said of classes that all the training images lack, or one of the parts they are divided into.
    static func absentClasses(in training: any Dataset, dividedInto parts: [Provision]) -> [String] {
        let whole = Provision(name: "the training part", images: training, settings: "data.limit")
        return whole.absentClasses.map { [$0] } ?? parts.compactMap(\.absentClasses)
    }
}

/// How many steps an epoch has, and what to say where the spec asks for more than there are.
struct EpochLength {
    let steps: Int
    let notice: String?

    /// - Parameters:
    ///   - asked: by a setting; `nil` for all.
    ///   - all: the steps that a pass of the images has.
    init(_ asked: Int?, of all: Int, _ setting: String, _ part: String) {
        steps = min(asked ?? all, all)
        notice = asked.flatMap { asked in
            asked > all ? "\(setting) is \(asked), but \(part) makes \(all) steps: an epoch has \(all)" : nil
        }
    }
}
