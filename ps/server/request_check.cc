#include "ps/server/request_check.h"

#include "common/error.h"
#include "ps/partitioner.h"

namespace zhiyin::ps::server {

const PushPrelude& PreludeOf(const net::Frame& push) {
  if (push.payload().size() < sizeof(PushPrelude)) {
    Fail("push from rank ", push.source(), ": ", push.payload().size(),
         " bytes, expected at least ", sizeof(PushPrelude));
  }
  return *reinterpret_cast<const PushPrelude*>(push.payload().data());
}

std::span<const Section> SectionsOf(const net::Frame& pull, size_t n_tables) {
  return {reinterpret_cast<const Section*>(pull.payload().data()), n_tables};
}

const Key* KeysBehind(std::span<const Section> sections) {
  return reinterpret_cast<const Key*>(sections.data() + sections.size());
}

std::span<const Section> RequestCheck::Sections(const net::Frame& frame, bool one_section) {
  const ScopedStage stage(&state_->stages, ServerStage::kCheck);
  const std::vector<table::Table>& tables = state_->tables;
  const uint64_t n_bytes = frame.payload().size();
  const uint64_t n_sections = one_section ? 1 : tables.size();
  if (n_bytes < n_sections * sizeof(Section)) {
    Fail(net::NameOf(frame), ": ", n_bytes, " bytes, expected at least ", n_sections,
         " sections of ", sizeof(Section));
  }
  const std::span<const Section> sections = SectionsOf(frame, n_sections);
  uint64_t expected = n_sections * sizeof(Section);
  for (uint64_t s = 0; s < n_sections; ++s) {
    const Section& section = sections[s];
    if (section.table >= tables.size() || (!one_section && section.table != s)) {
      Fail(net::NameOf(frame), ": section ", s, " is about table ", section.table, " of ",
           tables.size());
    }
    if (section.n_keys > n_bytes / sizeof(Key))
      Fail(net::NameOf(frame), ": announces ", section.n_keys, " keys in ", n_bytes, " bytes");
    expected += section.n_keys * sizeof(Key);
    if (one_section)
      expected +=
          section.n_keys * sizeof(float) * static_cast<uint64_t>(tables[section.table].dim());
  }
  if (n_bytes != expected) Fail(net::NameOf(frame), ": ", n_bytes, " bytes, expected ", expected);
  CheckKeys(frame, sections);
  return sections;
}

void RequestCheck::CheckKeys(const net::Frame& frame, std::span<const Section> sections) {
  const Key* key = KeysBehind(sections);
  for (const Section& section : sections) {
    const std::span<const Key> keys(key, section.n_keys);
    const size_t repeated = repeats_.Find(keys);
    if (repeated != keys.size()) {
      Fail(net::NameOf(frame), ": key ", keys[repeated], " of table ",
           state_->tables[section.table].name(), " comes twice");
    }
    for (uint64_t i = 0; i < section.n_keys; ++i, ++key) {
      const int owner = ServerOf(section.table, *key, state_->roles.n_servers);
      if (owner != state_->server) {
        Fail(net::NameOf(frame), ": key ", *key, " of table ", state_->tables[section.table].name(),
             " belongs to server ", owner);
      }
    }
  }
}

bool RequestCheck::IsRepeated(const net::Frame& frame) {
  const uint64_t id = frame.header().request_id;
  if (id == 0) Fail(net::NameOf(frame), ": request 0, expected at least 1");
  uint64_t& last = last_request_[static_cast<size_t>(state_->roles.WorkerOfRank(frame.source()))];
  if (id <= last) return true;
  last = id;
  return false;
}

}  // namespace zhiyin::ps::server
