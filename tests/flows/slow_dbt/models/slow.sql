select max(hash(many.range + steady.one)) as one
from range(1000000000000) as many, {{ ref('steady') }} as steady
