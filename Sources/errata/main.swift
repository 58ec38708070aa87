import Bilevel
import DARTS
import DCGAN
import EarlyStoppings
import ErrataCLI
import Experiments
import Images
import LFM
import PCDARTS
import PDARTS
import RandomSearch

ErrataCLI.main(
    plugins: [
        DARTSPlugin(), PDARTSPlugin(), PCDARTSPlugin(), DCGANPlugin(), LFMPlugin(), BilevelPlugin(),
        RandomSearchPlugin(), ImagesPlugin(), EarlyStoppingsPlugin(),
    ],
    defaults: ComponentDefaults(
        searchSpace: "darts", method: "lfm", generator: "dcgan", weighter: "validation-loss",
        hypergradient: "first-order", dataset: "fashion-mnist"))
