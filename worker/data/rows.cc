#include "worker/data/rows.h"

namespace zhiyin::worker::data {

void Rows::Clear() {
  n = 0;
  keys.clear();
  key_begin.assign(1, 0);
  numerics.clear();
  labels.clear();
  weights.clear();
}

void Rows::Append(const Rows& from, int64_t i) {
  const size_t first = static_cast<size_t>(i * n_fields);
  const uint32_t begin = from.key_begin[first];
  const uint32_t end = from.key_begin[first + static_cast<size_t>(n_fields)];
  const uint32_t shift = static_cast<uint32_t>(keys.size()) - begin;
  keys.insert(keys.end(), from.keys.begin() + begin, from.keys.begin() + end);
  for (int f = 1; f <= n_fields; ++f)
    key_begin.push_back(from.key_begin[first + static_cast<size_t>(f)] + shift);
  numerics.insert(numerics.end(), from.numerics.begin() + i * n_numerics,
                  from.numerics.begin() + (i + 1) * n_numerics);
  labels.insert(labels.end(), from.labels.begin() + i * n_tasks,
                from.labels.begin() + (i + 1) * n_tasks);
  if (!from.weights.empty())
    weights.insert(weights.end(), from.weights.begin() + i * n_tasks,
                   from.weights.begin() + (i + 1) * n_tasks);
  ++n;
}

}  // namespace zhiyin::worker::data
