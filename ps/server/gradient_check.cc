#include "ps/server/gradient_check.h"

#include <glog/logging.h>

#include <algorithm>
#include <bit>
#include <span>
#include <sstream>

#include "common/file.h"
#include "ps/server/request_check.h"
#include "ps/table/optimizer.h"

namespace zhiyin::ps::server {
namespace {

/// Refused pushes that are written out, at most.
constexpr int kMaxDumps = 10;
/// The numbers of a table that a dump has in whole rows, of at most 4,096 numbers each.
constexpr size_t kMaxDumpedNumbers = 10'000;
/// The refused numbers of a table that a shortened dump lists.
constexpr int64_t kMaxListedNumbers = 1'000;

/// Whether all values are finite and at most `limit` in absolute value. The order of the bits of
/// floats without their sign is that of their values, infinities and NaNs last.
bool AreWithin(const float* values, size_t n, float limit) {
  uint32_t largest = 0;
  for (size_t i = 0; i < n; ++i)
    largest = std::max(largest, std::bit_cast<uint32_t>(values[i]) & 0x7fffffffu);
  return largest <= std::bit_cast<uint32_t>(limit);
}

/// Writes the rows of a table, [keys.size(), dim], as in GradientCheck.
void WriteRows(const std::string& table, std::span<const Key> keys, const float* gradients,
               size_t dim, float limit, std::ostream* text) {
  const size_t n_rows = std::min(keys.size(), kMaxDumpedNumbers / dim);
  for (size_t i = 0; i < n_rows; ++i) {
    *text << table << '\t' << keys[i];
    for (size_t d = 0; d < dim; ++d) *text << '\t' << gradients[i * dim + d];
    *text << '\n';
  }
  if (n_rows == keys.size()) return;
  std::ostringstream listed;
  listed.precision(text->precision());
  int64_t n_refused = 0;
  for (size_t i = 0; i < keys.size() * dim; ++i) {
    if (AreWithin(gradients + i, 1, limit) || ++n_refused > kMaxListedNumbers) continue;
    listed << "# " << table << '\t' << keys[i / dim] << '\t' << i % dim << '\t' << gradients[i]
           << '\n';
  }
  *text << "# table " << table << ": " << n_rows << " of " << keys.size() << " rows; "
        << std::min(n_refused, kMaxListedNumbers) << " of " << n_refused
        << " refused numbers, with key and position:\n"
        << listed.str();
}

}  // namespace

GradientCheck::GradientCheck(const Job& job, const std::string& folder, net::Mailbox* mailbox,
                             ServerState* state, PushGradients* gradients)
    : max_gradient_(job.train().max_gradient() > 0 ? static_cast<float>(job.train().max_gradient())
                                                   : table::kMaxGradient),
      folder_(folder),
      mailbox_(mailbox),
      state_(state),
      gradients_(gradients) {}

bool GradientCheck::Refuses(const PendingPull& pull, const net::Frame& push) {
  const float limit = LimitOf(push);
  if (!HasNonFinite(pull, push, limit)) return false;
  Dump(pull, push, limit);
  return true;
}

float GradientCheck::LimitOf(const net::Frame& push) const {
  if (state_->clock.staleness() != 0) return max_gradient_;
  const float n_slices = static_cast<float>(PreludeOf(push).n_slices);
  return std::min(max_gradient_, table::kMaxGradient / n_slices);
}

bool GradientCheck::HasNonFinite(const PendingPull& pull, const net::Frame& push, float limit) {
  const ScopedStage stage(&state_->stages, ServerStage::kCheck);
  bool has_non_finite = false;
  gradients_->ForEachSection(
      pull, push, [&](const table::Table& table, auto rows, const float* gradients, const float*) {
        if (AreWithin(gradients, rows.size() * static_cast<size_t>(table.dim()), limit)) return;
        has_non_finite = true;
        state_->report.CountNonFinite(push.source(), table.name(), 1);
      });
  return has_non_finite;
}

void GradientCheck::Dump(const PendingPull& pull, const net::Frame& push, float limit) {
  if (n_dumped_ == kMaxDumps) return;
  ++n_dumped_;
  std::string where;
  if (!folder_.empty()) {
    const std::string path = TextOf(folder_, "/server-", state_->server, "-rank-", push.source(),
                                    "-push-", PreludeOf(push).sequence, ".tsv");
    try {
      const std::string text = TextOfPush(pull, push, limit);
      mailbox_->WaitForDisk([&] {
        MakeFolder(folder_);
        ReplaceFile(path, text);
      });
      where = ", see " + path;
    } catch (const FileError& e) {
      where = TextOf("; it could not be written to a file: ", e.what());
    }
  }
  LOG(WARNING) << "refused a push of step " << push.header().clock << " from rank " << push.source()
               << ": a gradient is not finite or above " << limit << where;
}

std::string GradientCheck::TextOfPush(const PendingPull& pull, const net::Frame& push,
                                      float limit) {
  std::ostringstream text;
  text.precision(9);  // tells all floats apart
  text << "table\tkey\tgradient\n";
  const Key* key = KeysBehind(SectionsOf(pull.request, state_->tables.size()));
  gradients_->ForEachSection(
      pull, push, [&](const table::Table& table, auto rows, const float* gradients, const float*) {
        WriteRows(table.name(), {key, rows.size()}, gradients, static_cast<size_t>(table.dim()),
                  limit, &text);
        key += rows.size();
      });
  return text.str();
}

}  // namespace zhiyin::ps::server
