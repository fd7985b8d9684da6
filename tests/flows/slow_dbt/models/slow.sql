select count(*) as one
from range(100000) as few, range(100000000) as many, {{ ref('steady') }} as steady
where few.range + many.range = 7
