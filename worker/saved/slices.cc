#include "worker/saved/slices.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace zhiyin::worker::saved {

std::vector<Slice> SlicesOf(const std::vector<data::Examples>& blocks, int field) {
  std::map<Key, std::vector<size_t>> examples;
  size_t example = 0;
  for (const data::Examples& block : blocks) {
    for (int64_t i = 0; i < block.n; ++i, ++example) {
      const auto keys = block.KeysOf(i, field);
      const std::set<Key> different(keys.begin(), keys.end());
      for (const Key key : different) examples[key].push_back(example);
      if (keys.empty()) examples[0].push_back(example);
    }
  }
  std::vector<Slice> slices;
  for (auto& [key, own] : examples) slices.push_back({key, std::move(own)});
  std::stable_sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) {
    return a.examples.size() > b.examples.size();
  });
  return slices;
}

}  // namespace zhiyin::worker::saved
