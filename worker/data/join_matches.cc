#include "worker/data/join_matches.h"

namespace zhiyin::worker::data {

void JoinMatches::Merge(const JoinMatches& other) {
  if (n_found.empty()) {
    n_looked_up.resize(other.n_found.size());
    n_found.resize(other.n_found.size());
    first_missed.resize(other.n_found.size());
    first_missed_at.resize(other.n_found.size());
  }
  n_lines += other.n_lines;
  for (size_t j = 0; j < other.n_found.size(); ++j) {
    n_looked_up[j] += other.n_looked_up[j];
    n_found[j] += other.n_found[j];
    if (n_found[j] > 0) {
      first_missed[j].clear();
      first_missed_at[j] = 0;
    } else if (!other.first_missed[j].empty() &&
               (first_missed[j].empty() || other.first_missed_at[j] < first_missed_at[j])) {
      first_missed[j] = other.first_missed[j];
      first_missed_at[j] = other.first_missed_at[j];
    }
  }
}

// Format: i64 n_lines, arrays of i64 n_looked_up and i64 n_found, then for each join string
// first_missed and i64 first_missed_at.
void JoinMatches::Write(ByteWriter* out) const {
  out->Put(n_lines);
  out->PutArray<int64_t>(n_looked_up);
  out->PutArray<int64_t>(n_found);
  for (size_t j = 0; j < first_missed.size(); ++j) {
    out->PutString(first_missed[j]);
    out->Put(first_missed_at[j]);
  }
}

JoinMatches JoinMatches::Read(ByteReader* in) {
  JoinMatches matches;
  matches.n_lines = in->Get<int64_t>();
  if (matches.n_lines < 0) in->Refuse("a negative number of lines");
  matches.n_looked_up = in->GetArray<int64_t>();
  matches.n_found = in->GetArray<int64_t>();
  if (matches.n_looked_up.size() != matches.n_found.size())
    in->Refuse("joined lines of different lengths");
  for (size_t j = 0; j < matches.n_found.size(); ++j) {
    const int64_t n_looked_up = matches.n_looked_up[j];
    const int64_t n_found = matches.n_found[j];
    if (n_found < 0 || n_found > n_looked_up || n_looked_up > matches.n_lines)
      in->Refuse("an impossible number of joined lines");
    matches.first_missed.push_back(in->GetString());
    matches.first_missed_at.push_back(in->Get<int64_t>());
  }
  return matches;
}

}  // namespace zhiyin::worker::data
