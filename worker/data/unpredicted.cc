#include "worker/data/unpredicted.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "common/bytes.h"
#include "common/text.h"

namespace zhiyin::worker::data {
namespace {

constexpr char kUnpredictedName[] = "examples without a prediction";

/// `numbers` are those of an example before they were `normalized`.
std::string DescribeExtreme(const Job& job, std::span<const double> numbers,
                            std::span<const double> normalized) {
  const auto of = [&](size_t k) { return std::abs(normalized[k]); };
  const size_t n = normalized.size();
  size_t most = n;
  for (size_t k = 0; k < n; ++k) {
    if (of(k) >= kExtreme && (most == n || of(k) > of(most))) most = k;
  }
  if (most == n) return "none of its numerics is extreme: lower the learning rates";
  const Numeric& numeric = job.numeric(static_cast<int>(most));
  std::string text = TextOf("numeric \"", numeric.name(), "\" is ", numbers[most]);
  if (numeric.log1p()) text += " after log1p";
  if (numeric.standardise())
    text += TextOf(", ", of(most), " standard deviations from its mean in training");
  return text;
}

}  // namespace

void Unpredicted::Add(int64_t block, std::span<const int64_t> positions) {
  n += static_cast<int64_t>(positions.size());
  for (const int64_t position : positions) {
    if (first.size() == kMaxNamed) return;
    first.push_back({block, position, ""});
  }
}

void Unpredicted::Name(const Job& job, const Normalizer& normalizer, Source* source,
                       const Tick& tick) {
  Examples rows;
  std::vector<BadLine> bad;
  int64_t block_read = -1;
  for (Example& example : first) {
    if (example.block != block_read) {
      tick();
      source->Read(example.block, &rows, &bad);
      block_read = example.block;
    }
    if (example.position < rows.n) {
      example.name = source->PlaceOf(example.position) + ": " +
                     DescribeExtreme(job, normalizer, rows, example.position);
    }
  }
}

void Unpredicted::Merge(const Unpredicted& other) {
  n += other.n;
  first.insert(first.end(), other.first.begin(), other.first.end());
  std::sort(first.begin(), first.end(), [](const Example& a, const Example& b) {
    return std::tie(a.block, a.position) < std::tie(b.block, b.position);
  });
  if (first.size() > kMaxNamed) first.resize(kMaxNamed);
}

// Format: i64 n, u64 number of named ones; for each: i64 block, i64 position, string name.
void Unpredicted::Write(ByteWriter* out) const {
  out->Put(n);
  out->Put<uint64_t>(first.size());
  for (const Example& example : first) {
    out->Put(example.block);
    out->Put(example.position);
    out->PutString(example.name);
  }
}

Unpredicted Unpredicted::Read(ByteReader* in) {
  Unpredicted read;
  read.n = in->Get<int64_t>();
  const uint64_t n_named = in->Get<uint64_t>();
  if (read.n < 0 || n_named > kMaxNamed || static_cast<int64_t>(n_named) > read.n)
    in->Refuse("impossible numbers of examples");
  for (uint64_t i = 0; i < n_named; ++i) {
    Example& example = read.first.emplace_back();
    example.block = in->Get<int64_t>();
    example.position = in->Get<int64_t>();
    example.name = in->GetString();
  }
  return read;
}

std::string Unpredicted::Serialize() const {
  ByteWriter out;
  Write(&out);
  return out.Take();
}

Unpredicted Unpredicted::Parse(std::string_view bytes) {
  ByteReader in(bytes, kUnpredictedName);
  Unpredicted parsed = Read(&in);
  if (!in.AtEnd()) in.Refuse("not the last");
  return parsed;
}

std::string DescribeExtreme(const Job& job, const Normalizer& normalizer, const Examples& rows,
                            int64_t example) {
  const size_t n = static_cast<size_t>(rows.n_numerics);
  const auto begin = rows.numerics.begin() + static_cast<std::ptrdiff_t>(n) * example;
  const auto numbers = std::vector(begin, begin + static_cast<std::ptrdiff_t>(n));
  auto normalized = numbers;
  normalizer.Apply(normalized);
  return DescribeExtreme(job, numbers, normalized);
}

std::string DescribeExtreme(const Job& job, const Normalizer& normalizer,
                            std::span<const double> normalized) {
  std::vector<double> numbers(normalized.begin(), normalized.end());
  for (size_t k = 0; k < numbers.size(); ++k)
    numbers[k] = numbers[k] / normalizer.scale[k] + normalizer.mean[k];
  return DescribeExtreme(job, numbers, normalized);
}

std::vector<int64_t> WithoutPrediction(std::span<const float> predictions, size_t n_tasks) {
  std::vector<int64_t> examples;
  for (size_t at = 0; at < predictions.size(); ++at) {
    if (!std::isnan(predictions[at])) continue;
    const int64_t example = static_cast<int64_t>(at / n_tasks);
    if (examples.empty() || examples.back() != example) examples.push_back(example);
  }
  return examples;
}

std::vector<std::string> UnpredictedNotes(const Unpredicted& unpredicted, int64_t n_examples,
                                          const std::string& consequence) {
  if (unpredicted.n == 0) return {};
  std::vector<std::string> notes = {TextOf("note: ", unpredicted.n, " of ", n_examples, " rows ",
                                           unpredicted.n == 1 ? "has" : "have",
                                           " no finite prediction: ", consequence)};
  for (const Unpredicted::Example& example : unpredicted.first)
    notes.push_back("no finite prediction: " + example.name);
  return notes;
}

}  // namespace zhiyin::worker::data
