import ErrataCore

/// Adds the relaxations of the field beside the softmax, each with its paper's values.
public struct RelaxationsPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        func add<R: Relaxation & Configuration>(_ name: String, _ summary: String, _ type: R.Type) throws {
            try registry.relaxations.add(
                .init(name, summary, configuration: type) { relaxation, _ in relaxation })
        }
        try add(
            "sigmoid", "every candidate for itself, drawn to 0 or 1 (FairDARTS)", SigmoidRelaxation.self)
        try add(
            "gumbel-softmax", "softly sampled, ever colder (SNAS)", GumbelSoftmaxRelaxation.self)
        try add("gdas", "one sampled operation an edge, straight-through (GDAS)", GDASRelaxation.self)
        try add("dirichlet", "weights drawn from a Dirichlet distribution (DrNAS)", DirichletRelaxation.self)
        try add(
            "sdarts-rs", "the softmax, randomly perturbed while weights train (SDARTS-RS)",
            RandomSmoothingRelaxation.self)
        try add(
            "sdarts-adv", "the softmax, perturbed for the worst while weights train (SDARTS-ADV)",
            AdversarialRelaxation.self)
        try add(
            "darts-minus", "the softmax with an auxiliary skip connection that fades (DARTS-)",
            AuxiliarySkipRelaxation.self)
        try add("noisy", "the softmax with noise on skip connections (NoisyDARTS)", NoisyRelaxation.self)
        try add(
            "dropnas", "the softmax over operations left by dropout in groups (DropNAS)",
            OperationDropoutRelaxation.self)
    }
}
