#include "worker/data/examples.h"

#include <algorithm>

namespace zhiyin::worker::data {

void Examples::Clear() {
  n = 0;
  keys.clear();
  key_begin.assign(1, 0);
  data_keys.clear();
  data_key_begin.clear();
  numerics.clear();
  labels.clear();
  weights.clear();
}

void Examples::Append(const Examples& from, int64_t first, int64_t n_examples) {
  const size_t begin_at = static_cast<size_t>(first * n_fields);
  const size_t end_at = static_cast<size_t>((first + n_examples) * n_fields);
  const uint32_t begin = from.key_begin[begin_at];
  const uint32_t end = from.key_begin[end_at];
  const uint32_t shift = static_cast<uint32_t>(keys.size()) - begin;
  keys.insert(keys.end(), from.keys.begin() + begin, from.keys.begin() + end);
  for (size_t at = begin_at + 1; at <= end_at; ++at)
    key_begin.push_back(from.key_begin[at] + shift);
  const auto append = [&](const auto& all, int64_t width, auto* to) {
    to->insert(to->end(), all.begin() + first * width, all.begin() + (first + n_examples) * width);
  };
  append(from.numerics, n_numerics, &numerics);
  append(from.labels, n_tasks, &labels);
  if (!from.weights.empty()) append(from.weights, n_tasks, &weights);
  n += n_examples;
}

// Format: i64 n; arrays of u64 keys, u32 key_begin, u64 data_keys, u32 data_key_begin, f64
// numerics, f64 labels, f64 weights.
void Examples::Write(ByteWriter* out) const {
  out->Put(n);
  out->PutArray<Key>(keys);
  out->PutArray<uint32_t>(key_begin);
  out->PutArray<Key>(data_keys);
  out->PutArray<uint32_t>(data_key_begin);
  out->PutArray<double>(numerics);
  out->PutArray<double>(labels);
  out->PutArray<double>(weights);
}

Examples Examples::Read(int n_fields, int n_numerics, int n_tasks, ByteReader* in) {
  Examples examples(n_fields, n_numerics, n_tasks);
  examples.n = in->Get<int64_t>();
  examples.keys = in->GetArray<Key>();
  examples.key_begin = in->GetArray<uint32_t>();
  examples.data_keys = in->GetArray<Key>();
  examples.data_key_begin = in->GetArray<uint32_t>();
  examples.numerics = in->GetArray<double>();
  examples.labels = in->GetArray<double>();
  examples.weights = in->GetArray<double>();
  const auto has = [&](const auto& all, int width) {
    return examples.n >= 0 &&
           all.size() / static_cast<size_t>(std::max(width, 1)) ==
               static_cast<size_t>(width > 0 ? examples.n : 0) &&
           (width == 0 || all.size() % static_cast<size_t>(width) == 0);
  };
  const auto has_begins = [&](const std::vector<uint32_t>& begins, const std::vector<Key>& all) {
    return !begins.empty() && begins.front() == 0 && begins.back() == all.size() &&
           std::is_sorted(begins.begin(), begins.end()) &&
           has(std::span(begins).subspan(1), n_fields);
  };
  const bool has_data_begins = examples.data_key_begin.empty()
                                   ? examples.data_keys.empty()
                                   : has_begins(examples.data_key_begin, examples.data_keys);
  if (!has_begins(examples.key_begin, examples.keys) || !has_data_begins ||
      !has(examples.numerics, n_numerics) || !has(examples.labels, n_tasks) ||
      (!examples.weights.empty() && !has(examples.weights, n_tasks)))
    in->Refuse("examples of another shape");
  return examples;
}

std::vector<Key> Examples::FirstKeys(int field) const {
  std::vector<Key> first;
  first.reserve(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const std::span<const Key> own = DataKeysOf(i, field);
    first.push_back(own.empty() ? 0 : own[0]);
  }
  return first;
}

}  // namespace zhiyin::worker::data
