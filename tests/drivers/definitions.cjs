// Makes a table and uses it in the same transaction, through node-postgres; prints what was read.
'use strict'
const { Client } = require('pg')

async function main() {
  const client = new Client({ options: `-c wherefore.purpose=${process.env.PURPOSE}` })
  await client.connect()
  await client.query('BEGIN')
  await client.query('CREATE TABLE made (id serial PRIMARY KEY, label text)')
  await client.query('INSERT INTO made (label) VALUES ($1), ($2)', ['a', 'b'])
  console.log((await client.query('SELECT * FROM made ORDER BY id')).rows)
  console.log((await client.query({ name: 'one', text: 'SELECT label FROM made WHERE id = $1', values: [2] })).rows)
  await client.query('ROLLBACK')
  await client.end()
}

main()
