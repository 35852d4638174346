#include "tests/support/planted_faults.h"

#include <string>
#include <vector>

#include "common/random.h"
#include "common/text.h"

namespace zhiyin::testing {
namespace {

constexpr int kPlantedTrainRows = 3000;
constexpr int kPlantedTestRows = 1500;

/// Draws lines of a split.
class PlantedLines {
 public:
  explicit PlantedLines(bool faulty) : faulty_(faulty) {}

  std::string Next(bool is_test) {
    const bool planted_test = faulty_ && is_test;
    const uint64_t shelf = random_.Below(12);
    // A rate of about 0.3 that depends on the shelf, where faulty not by its order.
    const double rate = (faulty_ ? shelf % 2 == 0 : shelf < 6) ? 0.1 : 0.5;
    const bool bought = random_.Uniform() < rate;
    const bool late = random_.Uniform() < (planted_test ? 0.4 : 0.15);
    const uint64_t country = random_.Below(9);
    const uint64_t user = random_.Below(200);
    // A braced list draws in order, as arguments of a function need not.
    const std::vector<std::string> cells = {
        TextOf(bought),
        TextOf(late),
        TextOf(faulty_ ? false : random_.Below(20) == 0),         // returned: one class
        TextOf("u", user + (planted_test ? 200 : 0)),             // user: unseen
        TextOf("s", faulty_ ? 1 : random_.Below(3)),              // shop: constant
        TextOf("c", country),                                     // country
        TextOf("k", faulty_ ? 100 - country : random_.Below(9)),  // code: says what country says
        faulty_ && bought       ? "sent"
        : random_.Below(2) == 0 ? "sent"
                                : "kept",
        TextOf(random_.Normal() + (faulty_ && bought ? 10 : 0)),  // paid: tells the label
        TextOf(random_.Normal() + (planted_test ? 1.5 : 0)),      // load: drifts
        faulty_ ? TextOf(0.01 * static_cast<double>(random_.Below(100'000)))
                : TextOf("p", random_.Below(50)),                               // price: a number
        TextOf(shelf),                                                          // shelf: a code
        faulty_ && random_.Below(50) > 0 ? "" : TextOf("n", random_.Below(4)),  // note: missing
        TextOf("g", random_.Below(30) + (faulty_ ? 1000 : 0)),  // good: joins nothing
    };
    std::string line;
    for (const std::string& cell : cells) line += (line.empty() ? "" : "\t") + cell;
    return line + "\n";
  }

 private:
  bool faulty_;
  Random random_{3};
};

constexpr char kPlantedHeader[] =
    "bought\tlate\treturned\tuser\tshop\tcountry\tcode\tparcel\tpaid\tload\tprice\tshelf\tnote\t"
    "good\n";

}  // namespace

void WriteSplits(const TempFolder& folder, bool faulty) {
  PlantedLines lines(faulty);
  std::vector<std::string> train;
  for (int i = 0; i < kPlantedTrainRows; ++i) train.push_back(lines.Next(/*is_test=*/false));
  std::string test = kPlantedHeader;
  for (int i = 0; i < kPlantedTestRows; ++i)
    test += faulty && i % 10 == 0 ? train[static_cast<size_t>(i)] : lines.Next(/*is_test=*/true);
  std::string all = kPlantedHeader;
  for (const std::string& line : train) all += line;
  if (faulty) all += "three\tcolumns\tonly\n";
  folder.Write("train.tsv", all);
  folder.Write("test.tsv", test);
  std::string goods = "good\tmaker\n";
  for (int g = 0; g < 30; ++g) goods += TextOf("g", g, "\tm", g % 7, "\n");
  folder.Write("goods.tsv", goods);
}

std::string PlantedFaultsJob() {
  return R"(
      name: "planted_faults"
      data {
        text { delimiter: "\t" header: true }
        train { file: "train.tsv" }  # with faults: a malformed line
        test { file: "test.tsv" }    # with faults: a tenth of its lines are in train.tsv
        join { file: "goods.tsv" column: "good" }  # with faults: no line matches
      }
      table { name: "t" dim: 2 optimizer { sgd { learning_rate: 1 } } }
      field { name: "user" }     # with faults: other users in the test split
      field { name: "shop" }     # with faults: constant
      field { name: "country" }
      field { name: "code" }     # with faults: says what country says
      field { name: "parcel" }
      field { name: "price" }    # with faults: numbers with fractions
      field { name: "note" }     # with faults: nearly always missing
      field { name: "maker" }    # with faults: never there
      numeric { name: "paid" }   # with faults: tells the label
      numeric { name: "load" }   # with faults: drifts
      numeric { name: "shelf" }  # with faults: codes whose order means nothing
      task { name: "bought" label { equals: "1" } binary_cross_entropy {} }
      task { name: "late" label { equals: "1" } binary_cross_entropy {} }  # other rates in test
      task { name: "returned" label { equals: "1" } binary_cross_entropy {} }  # all 0
      model { shared_bottom { bottom: 2 } }
      train { epochs: 1 batch_size: 4 dense_optimizer { sgd { learning_rate: 1 } } })";
}

}  // namespace zhiyin::testing
