#include "worker/data/rows.h"

#include <glog/logging.h>

#include <limits>

namespace zhiyin::worker {

void Rows::Clear() {
  n = 0;
  keys.clear();
  key_begin.assign(1, 0);
  numerics.clear();
  labels.clear();
}

void Rows::Append(const Rows& from, int64_t i) {
  const size_t first = static_cast<size_t>(i * n_fields);
  const uint32_t begin = from.key_begin[first];
  const uint32_t shift = static_cast<uint32_t>(keys.size()) - begin;  // wraps, and wraps back
  keys.insert(keys.end(), from.keys.begin() + begin,
              from.keys.begin() + from.key_begin[first + static_cast<size_t>(n_fields)]);
  for (size_t at = first + 1; at <= first + static_cast<size_t>(n_fields); ++at)
    key_begin.push_back(from.key_begin[at] + shift);
  const auto copy = [i](std::vector<float>* to, const std::vector<float>& values, int width) {
    to->insert(to->end(), values.begin() + i * width, values.begin() + (i + 1) * width);
  };
  copy(&numerics, from.numerics, n_numerics);
  copy(&labels, from.labels, n_tasks);
  ++n;
}

void Rows::Append(const Rows& from) {
  CHECK_LE(keys.size() + from.keys.size(), std::numeric_limits<uint32_t>::max())
      << "too many keys in one window of rows";
  const uint32_t shift = static_cast<uint32_t>(keys.size());
  keys.insert(keys.end(), from.keys.begin(), from.keys.end());
  for (size_t at = 1; at < from.key_begin.size(); ++at) key_begin.push_back(from.key_begin[at] + shift);
  numerics.insert(numerics.end(), from.numerics.begin(), from.numerics.end());
  labels.insert(labels.end(), from.labels.begin(), from.labels.end());
  n += from.n;
}

}  // namespace zhiyin::worker
