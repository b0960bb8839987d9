// Private: What a model's SQL may do.
#pragma once

struct sqlite3;

namespace sennit::sqlite {

/// An authorizer for sqlite3_set_authorizer; its first argument is null for reading, anything else for writing too.
int authorize(void* may_write, int action, const char* first, const char* second, const char* database,
              const char* trigger);

/// The rules that hold for every connection to a file or text of others: safe schemas, lowered limits.
void harden(sqlite3* handle);

}  // namespace sennit::sqlite
