#include "common/bytes.h"
#include "tests/fuzz/outcome.h"
#include "tests/fuzz/targets.h"
#include "worker/data/examples.h"

namespace zhiyin::fuzz {

int FuzzExamples(const uint8_t* data, size_t size) {
  Judge("examples", [&] {
    ByteReader in({reinterpret_cast<const char*>(data), size}, "examples");
    const worker::data::Examples rows = worker::data::Examples::Read(2, 1, 1, &in);
    worker::data::Examples copy(2, 1, 1);
    copy.Append(rows, 0, rows.n);
    for (int64_t i = 0; i < copy.n; ++i) copy.KeysOf(i, 1);
    rows.FirstKeys(1);
  });
  return 0;
}

std::vector<std::string> ExamplesSeeds() {
  worker::data::Examples rows(2, 1, 1);
  rows.n = 2;
  rows.keys = {1, 2, 3};
  rows.key_begin = {0, 1, 1, 2, 3};
  rows.numerics = {0.5, -1};
  rows.labels = {0, 1};
  worker::data::Examples weighted = rows;
  weighted.weights = {1, 2};
  worker::data::Examples augmented = rows;
  augmented.data_keys = {1, 4, 2, 3};
  augmented.data_key_begin = {0, 2, 2, 3, 4};
  std::vector<std::string> seeds;
  for (const worker::data::Examples& some :
       {worker::data::Examples(2, 1, 1), rows, weighted, augmented}) {
    ByteWriter out;
    some.Write(&out);
    seeds.push_back(out.Take());
  }
  return seeds;
}

}  // namespace zhiyin::fuzz
