// Loads saved rows. A saved model is a folder: one file of rows for each server that saved
// (ps/save/row_file.h), and a manifest (configs/manifest.proto) that was written last. Files may
// hold only what has changed since the save before, which lies in a folder beside.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "common/block_file.h"
#include "common/net/role_map.h"
#include "common/types.h"
#include "ps/save/row_carry.h"
#include "ps/save/saved_chain.h"
#include "ps/table/table.h"

namespace zhiyin::ps::save {

/// Reads those rows that the tables of this server take, however many servers had saved. REQUIRES:
/// the tables are empty. Throws Error naming file and offset when a file is missing, damaged, or of
/// other tables than its manifest says.
void LoadRows(const SavedChain& saved, const RowCarry& carry, const net::RoleMap& roles, int server,
              std::vector<table::Table>* tables, const std::function<void()>& tick,
              Beside beside = Beside::kNobody);

/// All rows as they were saved, in no order that means anything, a few blocks of them in memory at
/// a time. Throws as LoadRows does.
using VisitRow = std::function<void(TableId table, Key key, std::span<const std::byte> row)>;
void VisitRows(const SavedChain& saved, const VisitRow& visit);

}  // namespace zhiyin::ps::save
